// The board: hears what to show whenever something changed, asks for it when it was away, and says plainly when it hears nothing.
(() => {
  "use strict";
  const SILENCE = 10000, POLL = 3000, GONG = 1300, LONGEST = 10000;
  const { state, events } = document.body.dataset;
  const at = (id) => document.getElementById(id);
  let source = null, heard = performance.now(), etag = "", known = null, here = new Set(), news = 0, sound = null;

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

  // One call after the other, the oldest first, since two desks may call at once: the gong, then the words in French,
  // then in the language of the ticket. A call that was taken back meanwhile is not spoken; without a voice, the gong.
  const queue = [];
  let speaking = false;
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const say = (words) => new Promise((done) => {
    const voice = new Audio(words);
    for (const end of ["ended", "error"]) voice.addEventListener(end, done);
    voice.play().catch(done);
    setTimeout(done, LONGEST);
  });
  const announce = async (calls) => {
    queue.push(...calls);
    if (speaking) return;
    speaking = true;
    while (queue.length) {
      const call = queue.shift();
      if (!here.has(call.id)) continue;
      gong();
      await pause(GONG);
      for (const words of call.spoken) if (here.has(call.id)) await say(words);
    }
    speaking = false;
  };

  const draw = (now) => {
    const [last, ...former] = now.calls;
    at("nobody").hidden = Boolean(last);
    at("call").hidden = !last;
    if (last) {
      at("number").textContent = last.number;
      at("desk").textContent = last.desk;
      if (known && !known.includes(last.id)) {
        const tag = at("tag");
        tag.classList.remove("again");
        void tag.offsetWidth;
        tag.classList.add("again");
      }
    }
    const ids = now.calls.map((call) => call.id), before = known;
    here = new Set(ids);
    known = [...(before || []).filter((id) => !here.has(id)).slice(-50), ...ids];
    // What stood there when the page was opened was called before; of what is old already, the last call alone rings.
    if (before) announce(now.calls.filter((call) => !before.includes(call.id) && (call === last || call.spoken.length)).reverse());
    at("former").replaceChildren(...former.map(line));
    at("range").textContent = now.range;
    at("time").textContent = now.hour;
  };

  const alive = () => {
    heard = performance.now();
    document.body.classList.remove("stale");
    at("offline").hidden = true;
  };

  // What was asked for before an event came is older than what the event has brought.
  const ask = async () => {
    const then = news;
    try {
      const answer = await fetch(state, { headers: etag ? { "If-None-Match": etag } : {}, signal: AbortSignal.timeout(4000) });
      if (answer.status === 200) {
        const told = await answer.json();
        if (then === news) { etag = answer.headers.get("ETag") || ""; draw(told); }
      }
      if (answer.ok || answer.status === 304) alive();
    } catch { /* the silence is counted below */ }
  };

  const listen = () => {
    if (document.hidden) return;
    source?.close();
    source = new EventSource(events);
    source.addEventListener("beat", alive);
    source.addEventListener("resync", ask);
    for (const name of ["call", "line"]) source.addEventListener(name, (told) => { news += 1; draw(JSON.parse(told.data)); alive(); });
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
