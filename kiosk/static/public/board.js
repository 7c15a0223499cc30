// The board: hears what to show whenever something changed, asks for it when it was away, and says plainly when it hears nothing.
(() => {
  "use strict";
  const SILENCE = 10000, POLL = 3000, GONG = 1300;
  const { state, events } = document.body.dataset;
  const at = (id) => document.getElementById(id);
  let source = null, heard = performance.now(), etag = "", shown = "", sound = null, spoken = 0;

  const line = (call) => {
    const item = document.createElement("li"), number = document.createElement("b"), desk = document.createElement("span");
    number.textContent = call.number;
    desk.textContent = call.desk;
    item.append(number, desk);
    return item;
  };

  const gong = () => {
    sound ??= new AudioContext();
    for (const [when, pitch] of [[0, 660], [0.35, 528]]) {
      const tone = sound.createOscillator(), volume = sound.createGain(), start = sound.currentTime + when;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.25, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 1.2);
      tone.connect(volume).connect(sound.destination);
      tone.start(start);
      tone.stop(start + 1.2);
    }
  };

  // The gong, then the call in French, then in the language of the ticket; without a voice the gong alone.
  let voice = null;
  const speak = (sounds) => {
    voice?.pause();
    const [next, ...rest] = sounds;
    if (!next) return;
    voice = new Audio(next);
    voice.addEventListener("ended", () => speak(rest));
    voice.play().catch(() => {});
  };

  const draw = (now) => {
    const [last, ...former] = now.calls;
    at("nobody").hidden = Boolean(last);
    at("call").hidden = !last;
    if (last) {
      at("number").textContent = last.number;
      at("desk").textContent = last.desk;
      if (shown && last.id !== shown) {
        const tag = at("tag");
        tag.classList.remove("again");
        void tag.offsetWidth;
        tag.classList.add("again");
        gong();
        clearTimeout(spoken);
        spoken = setTimeout(speak, GONG, now.spoken);
      }
    }
    shown = last ? last.id : "none";
    at("former").replaceChildren(...former.map(line));
    at("range").textContent = now.range;
    at("time").textContent = now.hour;
  };

  const alive = () => {
    heard = performance.now();
    document.body.classList.remove("stale");
    at("offline").hidden = true;
  };

  const ask = async () => {
    try {
      const answer = await fetch(state, { headers: etag ? { "If-None-Match": etag } : {}, signal: AbortSignal.timeout(4000) });
      if (answer.status === 200) { etag = answer.headers.get("ETag") || ""; draw(await answer.json()); }
      if (answer.ok || answer.status === 304) alive();
    } catch { /* the silence is counted below */ }
  };

  const listen = () => {
    if (document.hidden) return;
    source?.close();
    source = new EventSource(events);
    source.addEventListener("beat", alive);
    source.addEventListener("resync", ask);
    for (const name of ["call", "line"]) source.addEventListener(name, (told) => { draw(JSON.parse(told.data)); alive(); });
  };

  // A stream that was refused never comes back by itself: open it anew, and ask meanwhile.
  setInterval(() => {
    if (document.hidden) return;
    if (!source || source.readyState === EventSource.CLOSED) { listen(); ask(); }
    if (performance.now() - heard > SILENCE) {
      document.body.classList.add("stale");
      at("offline").hidden = false;
      ask();
    }
  }, POLL);
  setInterval(ask, 30000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; } else { listen(); ask(); }
  });
  listen();
  ask();
})();
