// Digits said aloud or typed by a patient: a misheard one is told at its last digit, a PIN is typed on big keys.
// Nothing that was typed is kept, sent or shown from here.
(() => {
  "use strict";
  const ROWS = ["0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134", "8945362017", "9438617205", "2581436790"];
  const carried = (digits) => [...digits].reduce((row, digit) => Number(ROWS[row][digit]), 0);
  const misheard = (box) => {
    const digits = box.value.replace(/[\s.-]/g, "");
    return digits.length === Number(box.dataset.damm) && (/\D/.test(digits) || carried(digits) !== 0);
  };
  const tell = (box) => {
    const id = `${box.id}-misheard`, old = document.getElementById(id), wrong = misheard(box);
    box.toggleAttribute("aria-invalid", false);
    old?.remove();
    if (!wrong) return false;
    const words = document.createElement("p");
    words.id = id; words.className = "problem"; words.setAttribute("role", "alert");
    words.textContent = "Chiffre mal entendu : faites relire le numéro en entier.";
    box.setAttribute("aria-invalid", "true");
    box.before(words);
    box.select();
    return true;
  };
  // Before the page's own listeners: a number that cannot be is not sent, and is no attempt.
  document.addEventListener("input", (event) => {
    if ("damm" in event.target.dataset && tell(event.target)) event.stopImmediatePropagation();
  }, true);
  document.addEventListener("submit", (event) => {
    if ([...event.target.querySelectorAll("[data-damm]")].some(tell)) { event.preventDefault(); event.stopImmediatePropagation(); }
  }, true);
  // A number that is whole goes on to the next field; a hand that presses Tab all the same has not gone one too far.
  let went = 0;
  document.addEventListener("input", (event) => {
    const box = event.target, boxes = box.form ? [...box.form.querySelectorAll("input:not([type=hidden])")] : [];
    if (!("goes" in box.dataset) || box.value.replace(/[\s.-]/g, "").length < Number(box.dataset.goes)) return;
    went = Date.now();
    boxes[boxes.indexOf(box) + 1]?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey && Date.now() - went < 1000) event.preventDefault();
    if (event.key !== "Shift") went = 0;
  });
  document.addEventListener("pointerdown", (event) => { if (event.target.closest(".pad")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-digit], [data-erases]"), box = key?.form?.elements.pin;
    if (!box) return;
    if ("erases" in key.dataset) box.value = "";
    else if (box.value.length < box.maxLength) box.value += key.dataset.digit;
    box.focus();
  });
})();
