// Once the first page is drawn and the browser has nothing to do: keep K-11 for a start without the server.
(() => {
  "use strict";
  const { worker } = document.body.dataset;
  const keep = () => navigator.serviceWorker.register(worker, { updateViaCache: "none" }).catch(() => {});
  if (worker && navigator.serviceWorker) addEventListener("load", () => requestIdleCallback(keep, { timeout: 10000 }));
})();
