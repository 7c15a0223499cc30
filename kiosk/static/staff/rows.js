// What is done to one row of a list: the row that had the focus last completes the addresses of the bar's buttons.
(() => {
  "use strict";
  const choose = (row) => {
    const bar = document.querySelector("form[data-of-rows]");
    if (!bar || !row?.dataset.at) return;
    for (const one of document.querySelectorAll("[data-row].chosen")) one.classList.remove("chosen");
    row.classList.add("chosen");
    bar.querySelector("[data-number]").textContent = row.dataset.number;
    for (const one of bar.querySelectorAll("[data-act]")) {
      one.disabled = false;
      one.setAttribute("formaction", `${row.dataset.at}/${one.dataset.act}`);
    }
  };
  document.addEventListener("focusin", (event) => choose(event.target.closest("[data-row]")));
  document.addEventListener("click", (event) => {
    choose(event.target.closest("[data-row]"));
    const goes = event.target.closest("[data-goes]");
    if (goes) location.assign(goes.getAttribute("formaction"));
  });
})();
