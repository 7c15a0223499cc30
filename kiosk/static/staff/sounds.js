// What must be heard as well as seen. A part of a page that carries data-sound rings once when it appears, and so does
// a refusal on a page that takes scans: "stop" is low and long, "warn" is higher and short. A value that waits rings
// again as long as it does.
(() => {
  "use strict";
  const SOUNDS = {
    stop: { wave: "sawtooth", loud: 0.4, lasts: 0.42, tune: [[0, 196], [0.45, 147], [0.9, 196], [1.35, 147], [1.8, 196], [2.25, 147]] },
    warn: { wave: "triangle", loud: 0.4, lasts: 0.42, tune: [[0, 440], [0.25, 330]] },
    alarm: { wave: "sine", loud: 0.15, lasts: 0.2, tune: [[0, 660], [0.22, 880], [0.44, 660]] },
  };
  const AGAIN = 20000;
  let audio = null, heard = null, last = -AGAIN;

  const ring = (kind) => {
    const { wave, loud, lasts, tune } = SOUNDS[kind];
    audio ??= new AudioContext();
    audio.resume().catch(() => {});
    for (const [after, pitch] of tune) {
      const tone = audio.createOscillator(), volume = audio.createGain(), start = audio.currentTime + after;
      tone.type = wave;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(loud, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + lasts);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + lasts);
    }
  };

  const look = () => {
    const refused = document.querySelector("form[data-scan]") && document.querySelector("#refused[open]");
    const one = refused || document.querySelector("[data-sound]");
    if (one && one !== heard) {
      const kind = refused ? "warn" : one.dataset.sound;
      ring(kind);
      document.documentElement.dataset.rang = kind;
    }
    heard = one;
  };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });
  look();

  setInterval(() => {
    if (!document.querySelector("#alarm[data-rings]") || performance.now() - last < AGAIN) return;
    last = performance.now();
    ring("alarm");
  }, 2000);
})();
