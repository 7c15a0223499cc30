// The staff screens: every act has its key, a form is never lost, and nothing stays in view for nobody.
// Nothing is kept in the browser's storage.
(() => {
  "use strict";
  const LIMIT = 8000, AGAIN = 2000;
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const at = (id) => document.getElementById(id);
  const typing = (box) => box?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");

  // Keys: data-key="F2", "Shift+F2", "Alt+L", "/ Ctrl+K". A bare letter works only inside [data-letters].
  const combination = (event) => {
    const name = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const shift = event.shiftKey && (event.key.length > 1 || /^[A-Z0-9]$/.test(name));
    return [event.ctrlKey && "Ctrl", event.altKey && "Alt", shift && "Shift", name].filter(Boolean).join("+");
  };
  const press = (event) => {
    if (event.isComposing) return;
    const keys = combination(event), here = document.activeElement, bare = !event.ctrlKey && !event.altKey && event.key.length === 1;
    if (typing(here) && (bare || keys === "Ctrl+Z")) return;
    // Enter and Space belong first to whatever has the focus.
    if (/^(Enter|Space)$/.test(keys) && here?.matches?.("a, button, input, select, textarea, summary, [data-row]")) return walk(event, here);
    const room = at("again")?.open ? at("again") : document.querySelector("dialog[open]") || document;
    const match = [...room.querySelectorAll("[data-key]")].find((one) => {
      if (!one.dataset.key.split(" ").includes(keys) || one.disabled || !one.getClientRects().length) return false;
      if (one.dataset.act && !here?.closest?.("[data-row]")) return false;
      return !(bare && /^[A-Z0-9]$/.test(keys)) || Boolean(one.closest("[data-letters]")?.contains(here)) || one.closest("dialog");
    });
    if (!match) return walk(event, here);
    event.preventDefault();
    if (typing(match)) { match.focus(); match.select?.(); } else if (!event.repeat) match.click();
  };

  // A list whose rows carry data-row: arrows, j and k move, Enter opens the row's [data-open].
  const walk = (event, here) => {
    const list = here?.closest?.("[data-list]") || (here?.dataset?.walks && at(here.dataset.walks));
    if (!list || event.ctrlKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1, ...(typing(here) ? {} : { j: 1, k: -1 }) }[event.key];
    const rows = [...list.querySelectorAll("[data-row]")], now = rows.indexOf(here.closest("[data-row]"));
    if (step) {
      const next = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step))];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (event.key === "Enter" && here.matches("[data-row]:not(a, button)")) {
      event.preventDefault();
      here.querySelector("[data-open]")?.click();
    }
  };

  // Forms: sent in the page, so that what was typed is still there when the server is not.
  const away = (yes) => { at("away").hidden = !yes; };
  const post = async (target, body) => {
    for (;;) {
      try {
        const answer = await fetch(target, { method: "POST", body, headers: { "X-Follows": "page" }, signal: AbortSignal.timeout(LIMIT) });
        if (answer.status !== 503) { away(false); return answer; }
      } catch { /* away: the banner says so and the same form goes again */ }
      away(true);
      await pause(AGAIN);
    }
  };
  const values = (form, button) => {
    const data = new FormData(form, button);
    // Over a page that stays: wherever the door came from, this is the page to go on with.
    if (form.closest("#again")) { data.set("over", "yes"); data.set("then", location.pathname); }
    return form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  };
  const shown = (page, url) => {
    document.title = page.title;
    document.body.replaceWith(page.body);
    if (url) history.replaceState(null, "", url);
    window.htmx?.process(document.body);
    begin();
  };
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");
  const now = async () => parsed(await (await fetch(location.href, { signal: AbortSignal.timeout(LIMIT) })).text());
  const refuse = (page) => {
    at("refused-words").textContent = page.querySelector("[data-sentence]")?.textContent.trim() || "";
    at("refused").showModal();
  };
  const send = async (form, button) => {
    if (form.dataset.sending) return;
    form.dataset.sending = "yes";
    try {
      const answer = await post(button?.getAttribute("formaction") || form.action, values(form, button));
      const words = await answer.text();
      const page = answer.status === 400 && !form.dataset.renewed ? await now() : parsed(words);
      const door = page.querySelector("[data-door]"), over = Boolean(form.closest("#again"));
      if (door && !form.matches("[data-sign-in]")) return reenter(door, { form, button });
      if (over) return door ? ask(door) : page.querySelector("[data-returned]") ? resume(page) : answer.redirected && location.assign(answer.url);
      if (answer.status === 400 && !form.dataset.renewed) {
        form.dataset.renewed = "yes";
        return resume(page, { form, button });
      }
      if (!answer.ok && answer.status !== 422) return refuse(page);
      if (answer.redirected && !door) return location.assign(answer.url);
      shown(page, answer.redirected ? answer.url : null);
    } finally { delete form.dataset.sending; }
  };

  // A proof is asked, in mid-form or of a locked PC: it is given above the page, which nobody sees meanwhile and which
  // then goes on under whoever is there. A form that waited is sent again with a fresh token.
  let waiting = null, before = null;
  const ask = (door) => {
    at("again-form").replaceChildren(document.adoptNode(door));
    focusIn(at("again-form"));
  };
  const veil = () => {
    if (at("again").open) return;
    before = document.activeElement;
    wipe();
    document.body.dataset.veiled = "yes";
    at("again").showModal();
  };
  const reenter = (door, again) => { waiting = again; veil(); ask(door); };
  const resume = async (page, again = waiting) => {
    const token = page.querySelector("input[name=csrf_token]");
    for (const part of at("again").open ? [".bar", ".menu"] : []) {
      const [old, now] = [document.querySelector(part), page.querySelector(part)];
      if (old && now) old.replaceWith(now);
    }
    delete document.body.dataset.veiled;
    at("again").close();
    at("again-form").replaceChildren();
    if (token) for (const one of document.querySelectorAll("input[name=csrf_token]")) one.value = token.value;
    before?.focus();
    before = waiting = null;
    if (!again) return;
    delete again.form.dataset.sending;
    await send(again.form, again.button);
  };
  document.addEventListener("etiquette:veil", veil);
  document.addEventListener("etiquette:ask", (event) => ask(event.detail));

  // Nothing stays in view for nobody.
  const focusIn = (room) => (room.querySelector("[data-focus]") || room.querySelector("[aria-invalid=true]") || room.querySelector("[autofocus]"))?.focus();
  const blank = (one) => { one.replaceChildren(); one.dataset.blanked = "yes"; };
  const wipe = () => document.querySelectorAll("[data-blank-after]").forEach(blank);
  addEventListener("pagehide", wipe); // nor behind the back key
  const begin = () => {
    for (const one of document.querySelectorAll("[data-blank-after]")) setTimeout(blank, Number(one.dataset.blankAfter) * 1000, one);
    for (const one of document.querySelectorAll("[data-gone-after]")) setTimeout(() => one.remove(), Number(one.dataset.goneAfter) * 1000);
    focusIn(document);
    for (const dialog of document.querySelectorAll("dialog[data-opens]")) if (!dialog.open) dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    // A veil is lifted by a proof alone.
    if (event.key === "Escape" && at("again")?.open) return event.preventDefault();
    const stop = document.querySelector("[data-alarm]");
    if (event.key === "Escape" && !stop) wipe();
    press(event);
  });
  document.addEventListener("input", (event) => {
    // A field of a known length may send its form at its last digit.
    const box = event.target;
    if ("sends" in box.dataset && box.value.replace(/[\s.-]/g, "").length >= Number(box.dataset.sends)) box.form.requestSubmit();
    if ("groups" in box.dataset) {
      const size = Number(box.dataset.groups);
      box.value = box.value.replace(/[\s.-]/g, "").replace(new RegExp(`(.{${size}})(?=.)`, "g"), "$1 ");
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.dataset.plain !== undefined) return;
    event.preventDefault();
    send(form, event.submitter);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-shows], [data-closes], [data-prints]");
    if (!button) return;
    if ("shows" in button.dataset) at(button.dataset.shows).showModal();
    else if ("closes" in button.dataset) button.closest("dialog").close();
    else window.print();
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => away(true));
  document.addEventListener("htmx:responseError", (event) => { if (event.target.matches("form")) refuse(parsed(event.detail.xhr.responseText)); });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) away(false); });
  document.addEventListener("htmx:afterSettle", (event) => {
    // A card that comes by itself takes the focus from nobody: a person may be about to press something else.
    const one = event.target.querySelector?.("[data-focus]");
    if (one?.dataset.focus !== "free" || document.activeElement === document.body) one?.focus();
  });
  begin();
})();
