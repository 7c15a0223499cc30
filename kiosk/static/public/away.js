// K-11 of a kiosk that was started while nobody answers: ask every second, and open the first page when somebody does.
(() => {
  "use strict";
  const LIMIT = 4000, AGAIN = 1000, LATE = 60000, { home } = document.body.dataset, began = performance.now();
  const look = async () => {
    try {
      const answer = await fetch(home, { signal: AbortSignal.timeout(LIMIT) });
      if (answer.status < 500) return location.replace(home);
    } catch { /* nobody answered */ }
    if (performance.now() - began > LATE) {
      for (const one of document.querySelectorAll("[data-first]")) one.hidden = true;
      for (const one of document.querySelectorAll("[data-late]")) one.hidden = false;
    }
    setTimeout(look, AGAIN);
  };
  look();
})();
