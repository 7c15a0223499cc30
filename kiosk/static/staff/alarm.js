// A value waits, or somebody is asked for: the page says so by itself, and it is heard.
(() => {
  "use strict";
  const AGAIN = 20000;
  let sound = null, last = -AGAIN;
  const beep = () => {
    if (performance.now() - last < AGAIN) return;
    last = performance.now();
    sound ??= new AudioContext();
    const start = sound.currentTime;
    for (const [after, pitch] of [[0, 660], [0.22, 880], [0.44, 660]]) {
      const tone = sound.createOscillator(), loud = sound.createGain();
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.15, start + after);
      loud.gain.exponentialRampToValueAtTime(0.001, start + after + 0.2);
      tone.connect(loud).connect(sound.destination);
      tone.start(start + after);
      tone.stop(start + after + 0.2);
    }
  };
  const listen = () => { if (document.querySelector("#alarm[data-rings]")) beep(); };
  setInterval(listen, 2000);
})();
