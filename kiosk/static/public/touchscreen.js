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

  // Send a form until it is stored: four seconds a try, the same key each time.
  const post = async (form, button) => {
    const began = performance.now();
    let renewed = false;
    for (;;) {
      try {
        const body = new URLSearchParams(new FormData(form, button));
        const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(LIMIT) });
        if (answer.status === 400 && !renewed) { renewed = true; await renew(); continue; }
        if (answer.status < 500) { at("moment").close(); return answer; }
      } catch { /* away: the dialog says so and the same form goes again */ }
      const moment = at("moment");
      if (!moment.open) moment.showModal();
      const late = performance.now() - began > LATE;
      moment.querySelector("[data-first]").hidden = late;
      moment.querySelector("[data-late]").hidden = !late;
      await pause(AGAIN);
    }
  };
  // The cookie of this screen is gone: take a fresh token, and send what was typed all the same.
  const renew = async () => {
    const home = await fetch(document.body.dataset.home, { signal: AbortSignal.timeout(LIMIT) });
    const fresh = new DOMParser().parseFromString(await home.text(), "text/html").querySelector("[name=csrf_token]");
    for (const one of document.querySelectorAll("[name=csrf_token]")) one.value = fresh.value;
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
      if (form.matches(".help") && answer.ok) at("coming").showModal();
      else await arrive(answer);
    } finally { sending = false; }
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
    const seconds = Number(document.body.dataset.idle || (root.look || root.text ? 60 : 0));
    if (seconds) quiet = setTimeout(warn, seconds * 1000);
    else quiet = setTimeout(() => location.replace(document.body.dataset.home), 600000);
  };

  document.addEventListener("click", (event) => {
    const still = at("still");
    // On click, never on pointerdown: the touch would fall through to the button underneath.
    if (still.open) { event.preventDefault(); still.close(); return watch(); }
    const key = event.target.closest("[data-types], [data-erases], [data-closes]");
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
