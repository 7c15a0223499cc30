// A scanner types like a very quick keyboard and ends with Enter; people do not type like that.
// A page takes scans by a form: <form data-scan="pattern"> with an input [data-scanned]. What fits fills it and
// sends it; what does not shows [data-foreign], if the page has one, else the keys stay where they were typed.
// Key positions are read, not letters, so that a French layout changes nothing.
(() => {
  "use strict";
  const QUICK = 30, LONGEST = 64, SHORTEST = 6, AGAIN = 3000;
  let keys = "", last = 0, field = null, seen = { words: "", at: -AGAIN };

  // A page may wait for longer codes: data-longest.
  const longest = () => Number(document.querySelector("form[data-scan]")?.dataset.longest || LONGEST);
  const forget = () => { keys = ""; field = null; };

  const scanned = (event, form, words) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (field && field.box.isConnected) field.box.value = field.value;
    const repeated = words === seen.words && event.timeStamp - seen.at < AGAIN;
    seen = { words, at: event.timeStamp };
    if (repeated) return;
    form.querySelector("[data-scanned]").value = words;
    form.requestSubmit();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return forget();
    if (keys && event.timeStamp - last > QUICK) forget();
    if (event.key === "Enter") {
      const form = document.querySelector("form[data-scan]");
      if (form && keys.length >= SHORTEST) {
        const foreign = document.querySelector("[data-foreign]"), fits = keys.length <= Number(field?.box.dataset.size || 0);
        if (new RegExp(`^(?:${form.dataset.scan})$`).test(keys)) scanned(event, form, keys);
        else if (foreign && !fits) {
          event.preventDefault();
          if (field && field.box.isConnected) field.box.value = field.value;
          foreign.hidden = false;
        }
      }
      return forget();
    }
    const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code);
    if (!place) { if (event.key !== "Shift" && event.key !== "CapsLock") forget(); return; }
    if (!keys) {
      const box = document.activeElement;
      field = box instanceof HTMLInputElement ? { box, value: box.value } : null;
    }
    last = event.timeStamp;
    // What is too long stays too long until the keys rest: its tail is no code either.
    if (keys.length < longest()) keys += place[1];
  }, true);
})();
