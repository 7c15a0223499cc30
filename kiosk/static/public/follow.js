// The telephone asks again every ten seconds while it is looked at, and says plainly when nobody answers.
(() => {
  "use strict";
  const AGAIN = 10000, LIMIT = 6000;
  const at = (id) => document.getElementById(id);
  let etag = "", called = false;

  const put = (id, words, inside) => { at(id).hidden = words === null || words === ""; (inside || at(id)).textContent = words ?? ""; };
  const draw = (now) => {
    put("words", now.words);
    put("desk", now.desk, at("desk").querySelector("bdi"));
    put("ahead", now.ahead, at("ahead").querySelector("bdi"));
    put("range", now.range);
    at("others").hidden = now.state !== "waiting";
    if (now.state === "called" && !called) navigator.vibrate?.([300, 200, 300]);
    called = now.state === "called";
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(document.body.dataset.state, { headers: etag ? { "If-None-Match": etag } : {}, signal: AbortSignal.timeout(LIMIT) });
      if (answer.status === 200) { etag = answer.headers.get("ETag") || ""; draw(await answer.json()); }
      at("offline").hidden = answer.ok || answer.status === 304;
    } catch { at("offline").hidden = false; }
  };
  setInterval(ask, AGAIN);
  document.addEventListener("visibilitychange", ask);
})();
