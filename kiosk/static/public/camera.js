// The camera of a kiosk that has one: what it sees is looked at for a square code, then drawn over. No frame is kept,
// sent or recorded, and the camera is off as soon as a code was read or the page is left.
(() => {
  "use strict";
  const LOOK = 250, SIDE = 480;
  const room = document.querySelector("[data-camera]"), form = document.querySelector("form[data-scan]");
  const video = room.querySelector("video"), foreign = document.querySelector("[data-foreign]");
  const pane = document.createElement("canvas");
  pane.width = pane.height = SIDE;
  const glass = pane.getContext("2d", { willReadFrequently: true });
  let stream = null, seen = "";

  const stop = () => {
    for (const one of stream ? stream.getTracks() : []) one.stop();
    stream = video.srcObject = null;
    glass.clearRect(0, 0, SIDE, SIDE);
    room.hidden = true;
  };
  const read = () => {
    const side = Math.min(video.videoWidth, video.videoHeight);
    if (!side) return "";
    glass.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, SIDE, SIDE);
    const frame = glass.getImageData(0, 0, SIDE, SIDE);
    return (jsQR(frame.data, SIDE, SIDE, { inversionAttempts: "dontInvert" })?.data || "").trim();
  };
  const look = () => {
    if (!stream) return;
    if (!room.isConnected) return stop();
    const words = read();
    if (words && words !== seen) {
      seen = words;
      if (new RegExp(`^(?:${form.dataset.scan})$`).test(words)) {
        form.querySelector("[data-scanned]").value = words;
        form.requestSubmit();
        return stop();
      }
      foreign.hidden = false;
    }
    setTimeout(look, LOOK);
  };
  const load = () => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = room.dataset.camera;
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(script);
  });
  // Without a camera, or where nobody has allowed one, the page is as it is everywhere else.
  const open = async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: 640, height: 480 } });
      await load();
      video.srcObject = stream;
      await video.play();
      room.hidden = false;
      look();
    } catch { stop(); }
  };
  addEventListener("pagehide", stop);
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
  if (navigator.mediaDevices) requestIdleCallback(open, { timeout: 2000 });
})();
