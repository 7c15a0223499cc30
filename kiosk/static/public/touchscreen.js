// The touchscreen: keys on the screen, forms that are never lost, and a page that does not stay open alone.
// Everything works as plain forms without this file.
(() => {
  "use strict";
  const LIMIT = 4000, AGAIN = 1000, LATE = 60000, WARNING = 30;
  const at = (id) => document.getElementById(id);
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  let field = null, sending = false, quiet = 0, countdown = 0, told = Promise.resolve();

  // Keys on the screen. The touched key never takes the focus from the field.
  const fields = () => [...document.querySelectorAll("input[data-size]")];
  const choose = (box) => {
    field = box;
    for (const one of fields()) one.classList.toggle("here", one === box);
  };
  const type = (letter) => {
    const row = fields();
    if (!field || !field.isConnected) choose(row[0]);
    // A full field sends what comes next to the following empty one; nothing jumps before that.
    if (field.value.length >= Number(field.dataset.size)) {
      const next = row.slice(row.indexOf(field) + 1).find((one) => one.value === "");
      if (!next) return;
      choose(next);
      next.focus();
    }
    field.value += letter;
  };
  const erase = () => {
    const row = fields();
    if (!field || !field.isConnected) choose(row[0]);
    if (field.value === "" && row.indexOf(field) > 0) { choose(row[row.indexOf(field) - 1]); field.focus(); }
    field.value = field.value.slice(0, -1);
  };

  // Ask until somebody answers: four seconds a try. Away, the dialog says so, and the same is asked again.
  const reach = async (ask) => {
    const began = performance.now(), moment = at("moment");
    for (;;) {
      try {
        const answer = await ask();
        if (answer.status < 500) { moment.close(); return answer; }
      } catch { /* nobody answered */ }
      if (!moment.open) moment.showModal();
      const late = performance.now() - began > LATE;
      moment.querySelector("[data-first]").hidden = late;
      moment.querySelector("[data-late]").hidden = !late;
      await pause(AGAIN);
    }
  };
  // Send a form until it is stored, with the same key each time.
  const post = async (form, button) => {
    const once = () => fetch(form.action, {
      method: "POST", body: new URLSearchParams(new FormData(form, button)), signal: AbortSignal.timeout(LIMIT),
    });
    const answer = await reach(once);
    if (answer.status !== 400) return answer;
    await reach(renew);
    return reach(once);
  };
  // A link is followed once somebody is there to answer it: a browser's own page of errors would stay for ever.
  const follow = async (link) => {
    if (sending) return;
    sending = true;
    try {
      await reach(() => fetch(link.href, { headers: { "X-Follows": "1" }, signal: AbortSignal.timeout(LIMIT) }));
      location.assign(link.href);
    } finally { sending = false; }
  };
  // The cookie of this screen is gone: take a fresh token, and send what was typed all the same.
  const renew = async () => {
    const home = await fetch(document.body.dataset.home, { signal: AbortSignal.timeout(LIMIT) });
    const fresh = new DOMParser().parseFromString(await home.text(), "text/html").querySelector("[name=csrf_token]");
    for (const one of document.querySelectorAll("[name=csrf_token]")) one.value = fresh.value;
    return home;
  };
  const arrive = async (answer) => {
    if (answer.redirected) return location.replace(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    document.body.replaceWith(page.body);
    begin();
  };
  const send = async (form, button) => {
    if (sending) return;
    sending = true;
    try {
      const answer = await post(form, button);
      if (form.matches(".help") && answer.ok) await called(form, answer.url);
      else await arrive(answer);
    } finally { sending = false; }
  };

  // Somebody was called: say so at once, and again when a person has heard it.
  const called = (form, url) => {
    const dialog = at("coming"), asked = dialog.querySelector("[data-asked]"), heard = dialog.querySelector("[data-heard]");
    asked.hidden = false;
    heard.hidden = true;
    dialog.showModal();
    form.querySelector("[name=form_key]").value = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
    (async () => {
      while (dialog.open && dialog.isConnected && heard.hidden) {
        await pause(AGAIN);
        try {
          const answer = await fetch(`${url}/heard`, { signal: AbortSignal.timeout(LIMIT) });
          if (answer.ok && (await answer.json()).heard) { asked.hidden = true; heard.hidden = false; }
        } catch { /* asked again in a moment */ }
      }
    })();
  };

  // The page's own words as sound; a second touch stops them.
  let sound = null;
  const hush = () => { sound?.audio.pause(); sound?.link.removeAttribute("data-playing"); sound = null; };
  const listen = (link) => {
    const playing = sound?.link === link;
    hush();
    if (playing) return;
    sound = { link, audio: new Audio(link.href) };
    sound.audio.addEventListener("ended", hush);
    link.setAttribute("data-playing", "");
    sound.audio.play().catch(hush);
  };

  // Larger text and contrast change at once; the server is told for the next page.
  const show = (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    const on = button.value !== "", of = document.documentElement.dataset;
    const name = button.name === "look" ? "look" : "text";
    if (on) of[name] = button.value; else delete of[name];
    button.setAttribute("aria-pressed", String(on));
    button.value = on ? "" : { look: "contrast", text: "large" }[name];
    // One after the other: two quick touches at once would each bring back a cookie without the other's wish.
    told = told.then(() => fetch(form.action, { method: "POST", body, redirect: "manual" })).catch(() => {});
    watch();
  };

  // Nobody here: a warning, thirty seconds, then the first page. Any touch goes on, as often as one likes.
  const leave = () => { clearInterval(countdown); send(at("leave")); };
  const warn = () => {
    if (at("moment").open) return watch();
    if ("straight" in document.body.dataset) return leave();
    let left = WARNING;
    at("still-left").textContent = left;
    at("still").showModal();
    clearInterval(countdown);
    countdown = setInterval(() => {
      left -= 1;
      at("still-left").textContent = left;
      if ([15, 5].includes(left)) at("still-spoken").textContent = at("still-left").parentElement.textContent;
      if (left <= 0) leave();
    }, 1000);
  };
  const watch = () => {
    clearTimeout(quiet);
    clearInterval(countdown);
    const root = document.documentElement.dataset;
    const chosen = root.look || root.text || document.documentElement.lang !== "fr";
    const seconds = Number(document.body.dataset.idle || (chosen ? 60 : 0));
    if (seconds) quiet = setTimeout(warn, seconds * 1000);
    else quiet = setTimeout(() => location.replace(document.body.dataset.home), 600000);
  };

  document.addEventListener("click", (event) => {
    const still = at("still");
    // On click, never on pointerdown: the touch would fall through to the button underneath.
    if (still.open) { event.preventDefault(); still.close(); return watch(); }
    const key = event.target.closest("[data-types], [data-erases], [data-closes]");
    const link = event.target.closest("a[href]");
    if (link && !event.ctrlKey && link.origin === location.origin) {
      event.preventDefault();
      if ("speaks" in link.dataset) listen(link); else follow(link);
    }
    if (!key) return;
    if ("closes" in key.dataset) key.closest("dialog").close();
    else if ("erases" in key.dataset) erase();
    else type(key.dataset.types);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!at("still").open) watch();
    if (event.target.closest(".pad")) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (at("still").open) at("still").close();
    watch();
    if (event.key === "F9") { event.preventDefault(); document.querySelector(".help").requestSubmit(); }
  });
  document.addEventListener("cancel", (event) => { if (event.target.id === "moment") event.preventDefault(); }, true);
  document.addEventListener("focusin", (event) => { if (event.target.matches("input[data-size]")) choose(event.target); });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.matches("[data-display]")) show(event.target, event.submitter);
    else send(event.target, event.submitter);
  });

  // The printer may stop after the page was drawn: look once more, and tell to write the number down.
  const look = async () => {
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(LIMIT) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const changed = ("straight" in page.body.dataset) !== ("straight" in document.body.dataset);
      if (answer.ok && changed) { document.body.replaceWith(page.body); begin(); }
    } catch { /* the page stays as it is */ }
  };
  const begin = () => {
    if (document.body.dataset.again) setTimeout(look, Number(document.body.dataset.again) * 1000);
    const first = document.querySelector("input[aria-invalid]") || fields().find((one) => !one.value) || fields()[0];
    if (first) { first.focus(); choose(first); }
    watch();
  };
  begin();
})();
