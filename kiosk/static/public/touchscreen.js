// The touchscreen: forms that are never lost, and a page that does not stay open alone.
// Everything works as plain forms without this file.
(() => {
  "use strict";
  const LIMIT = 4000, AGAIN = 1000, LATE = 60000, WARNING = 30;
  const at = (id) => document.getElementById(id);
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  // What made a page that no address opens again; the page that waits while a language is chosen.
  let made = null, before = null;
  let sending = false, quiet = 0, countdown = 0, told = Promise.resolve();

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
    if (!form.matches(".help, .tongues")) made = once;
    if (answer.status !== 400) return answer;
    await reach(renew);
    return reach(once);
  };
  // A link is followed once somebody is there to answer it: a browser's own page of errors would stay for ever.
  const get = (url, headers) => reach(() => fetch(url, { headers, signal: AbortSignal.timeout(LIMIT) }));
  const follow = async (link) => {
    if (sending) return;
    sending = true;
    try {
      if (before) { put(before); before = null; }
      else if ("tongues" in link.dataset && !document.querySelector("[data-camera]")) await offer(link);
      else { await get(link.href, { "X-Follows": "1" }); location.assign(link.href); }
    } finally { sending = false; }
  };
  // The cookie of this screen is gone: take a fresh token, and send what was typed all the same.
  const renew = async () => {
    const home = await fetch(document.body.dataset.home, { signal: AbortSignal.timeout(LIMIT) });
    const fresh = new DOMParser().parseFromString(await home.text(), "text/html").querySelector("[name=csrf_token]");
    for (const one of document.querySelectorAll("[name=csrf_token]")) one.value = fresh.value;
    return home;
  };
  const put = (page) => {
    document.title = page.title;
    document.body.replaceWith(page.body);
    begin();
  };
  const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
  const arrive = async (answer) => {
    if (answer.redirected) return location.replace(answer.url);
    before = null;
    put(await read(answer));
  };

  // Languages stand over a page that stays: what was typed, its number, how it is left. In the language that was chosen
  // it is asked for again, by the form that had made it where no address opens it.
  const offer = async (link) => {
    const page = await read(await get(link.href));
    before = { title: document.title, body: document.body };
    put(page);
  };
  const speak = async (form, button) => {
    await post(form, button);
    const page = await read(await (made ? reach(made) : get(location.href)));
    for (const box of before.body.querySelectorAll("input[data-size]")) page.getElementById(box.id)?.setAttribute("value", box.value);
    for (const name of ["lang", "dir"]) document.documentElement[name] = page.documentElement[name];
    for (const sheet of page.head.querySelectorAll("[rel=stylesheet]")) {
      if (!document.head.querySelector(`[href="${sheet.getAttribute("href")}"]`)) document.head.append(sheet);
    }
    before = null;
    put(page);
  };
  const send = async (form, button) => {
    if (sending) return;
    sending = true;
    try {
      if (before && form.matches(".tongues")) return await speak(form, button);
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
    const body = new URLSearchParams(new FormData(form)), of = document.documentElement.dataset;
    const [name, value] = button.name === "look" ? ["look", "contrast"] : ["text", "large"];
    if (of[name]) delete of[name]; else of[name] = value;
    body.set(button.name, of[name] || "");
    pressed();
    // One after the other: two quick touches at once would each bring back a cookie without the other's wish.
    told = told.then(() => fetch(form.action, { method: "POST", body, redirect: "manual" })).catch(() => {});
    watch();
  };
  const pressed = () => {
    const { look, text } = document.documentElement.dataset;
    for (const one of document.querySelectorAll("[data-display] button")) one.ariaPressed = String(Boolean(one.name === "look" ? look : text));
  };

  // Nobody here: a warning, thirty seconds, then the first page. Any touch goes on, as often as one likes.
  const leave = () => { clearInterval(countdown); send(before?.body.querySelector("#leave") || at("leave")); };
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
    const closes = event.target.closest("[data-closes]");
    const link = event.target.closest("a[href]");
    if (link && !event.ctrlKey && link.origin === location.origin) {
      event.preventDefault();
      if ("speaks" in link.dataset) listen(link); else follow(link);
    }
    closes?.closest("dialog").close();
  });
  document.addEventListener("pointerdown", () => { if (!at("still").open) watch(); });
  document.addEventListener("keydown", (event) => {
    if (at("still").open) at("still").close();
    watch();
    if (event.key === "F9") { event.preventDefault(); document.querySelector(".help").requestSubmit(); }
  });
  document.addEventListener("cancel", (event) => { if (event.target.id === "moment") event.preventDefault(); }, true);
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
    const row = [...document.querySelectorAll("input[data-size]")];
    (row.find((one) => one.ariaInvalid) || row.find((one) => !one.value) || row[0])?.focus();
    pressed();
    watch();
  };
  begin();
})();
