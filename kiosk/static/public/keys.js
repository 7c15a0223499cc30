// Keys on the screen. The touched key never takes the focus from the field; a real keyboard fills it as well.
(() => {
  "use strict";
  let field = null;
  const fields = () => [...document.querySelectorAll("input[data-size]")];
  const choose = (box) => {
    field = box;
    for (const one of fields()) one.classList.toggle("here", one === box);
  };
  const here = (row) => { if (!field || !field.isConnected) choose(row[0]); };
  const go = (box) => { choose(box); box.focus(); };
  const type = (letter) => {
    const row = fields();
    here(row);
    // A full field sends what comes next to the following empty one; nothing jumps before that.
    if (field.value.length >= Number(field.dataset.size)) {
      const next = row.slice(row.indexOf(field) + 1).find((one) => one.value === "");
      if (!next) return;
      go(next);
    }
    field.value += letter;
  };
  const erase = () => {
    const row = fields();
    here(row);
    if (field.value === "" && row.indexOf(field) > 0) go(row[row.indexOf(field) - 1]);
    field.value = field.value.slice(0, -1);
  };

  document.addEventListener("click", (event) => {
    const key = document.querySelector("dialog[open]") ? null : event.target.closest("[data-types], [data-erases]");
    if (key) { if ("erases" in key.dataset) erase(); else type(key.dataset.types); }
  });
  document.addEventListener("pointerdown", (event) => { if (event.target.closest(".pad")) event.preventDefault(); });
  document.addEventListener("focusin", (event) => { if (event.target.matches("input[data-size]")) choose(event.target); });
})();
