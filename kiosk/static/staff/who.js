// Who is at this screen: a key or five minutes without a hand lock it, and a letter chooses a name.
(() => {
  "use strict";
  const AGAIN = 2000;
  const veiled = () => document.getElementById("again").open;
  const idle = () => Number(document.body.dataset.idle || 0) * 1000;
  const token = () => document.querySelector("input[name=csrf_token]")?.value || "";
  const post = (path, words) => fetch(path, { method: "POST", body: new URLSearchParams({ csrf_token: token(), ...words }) });
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`etiquette:${name}`, { detail }));
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  // Locked: the sign-in ends, and the page stays as it is behind the veil.
  const lock = async () => {
    if (veiled() || !idle()) return;
    tell("veil");
    for (;;) {
      try {
        const door = parsed(await (await post("/verrouiller", { then: location.pathname })).text()).querySelector("[data-door]");
        if (door) return tell("ask", door);
        // The token of this page is an old one: the page itself has the new one, or the door.
        const page = parsed(await (await fetch(location.href)).text()), fresh = page.querySelector("input[name=csrf_token]");
        if (page.querySelector("[data-door]")) return tell("ask", page.querySelector("[data-door]"));
        for (const one of document.querySelectorAll("input[name=csrf_token]")) one.value = fresh.value;
      } catch { /* the server is away: the veil stays */ }
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  };

  let touched = Date.now(), told = touched;
  const still = (event) => {
    if (!event.isTrusted) return;
    touched = Date.now();
    if (veiled() || !idle() || touched - told < 60000) return;
    told = touched;
    post("/la").catch(() => {});
  };
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, still, true);
  setInterval(() => { if (idle() && Date.now() - touched >= idle()) lock(); }, 1000);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-locks]")) return;
    event.preventDefault();
    lock();
  });

  // Of several people, a letter or an arrow in the field of the desk PIN chooses one.
  let letters = "", lettered = 0;
  const plain = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toUpperCase();
  const chosen = (event, all) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) return all[(all.findIndex((one) => one.checked) + step + all.length) % all.length];
    if (!/^\p{L}$/u.test(event.key) || event.ctrlKey || event.altKey) return null;
    event.preventDefault();
    letters = (Date.now() - lettered > 1500 ? "" : letters) + plain(event.key);
    lettered = Date.now();
    return all.find((one) => [one.dataset.initials, one.dataset.name].some((words) => plain(words).startsWith(letters)));
  };
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-people]");
    const one = form && event.target.name === "desk_pin" && chosen(event, [...form.querySelectorAll("[name=staff]")]);
    if (!one) return;
    event.preventDefault();
    one.checked = true;
    form.elements.desk_pin.value = "";
    form.querySelector("[data-chosen]").textContent = one.dataset.name;
  });
})();
