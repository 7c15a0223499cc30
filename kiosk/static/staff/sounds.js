// What must be heard as well as seen: a part of a page that carries data-sound rings once when it appears, and so does
// a refusal on a page that takes scans. "stop" is low and long, "warn" is higher and short.
(() => {
  "use strict";
  const TONES = {
    stop: [[0, 196], [0.45, 147], [0.9, 196], [1.35, 147], [1.8, 196], [2.25, 147]],
    warn: [[0, 440], [0.25, 330]],
  };
  let sound = null, heard = null;

  const ring = (kind) => {
    sound ??= new AudioContext();
    sound.resume().catch(() => {});
    for (const [when, pitch] of TONES[kind] || []) {
      const tone = sound.createOscillator(), volume = sound.createGain(), start = sound.currentTime + when;
      tone.type = kind === "stop" ? "sawtooth" : "triangle";
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.4, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.42);
      tone.connect(volume).connect(sound.destination);
      tone.start(start);
      tone.stop(start + 0.42);
    }
    document.documentElement.dataset.rang = kind;
  };

  const look = () => {
    const refused = document.querySelector("form[data-scan]") && document.querySelector("#refused[open]");
    const one = refused || document.querySelector("[data-sound]");
    if (one && one !== heard) ring(refused ? "warn" : one.dataset.sound);
    heard = one;
  };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });
  look();
})();
