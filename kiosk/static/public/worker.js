// What a kiosk keeps for the hour when nobody answers: K-11 and what it is drawn with. Pages come from the server
// alone and are never kept. The app writes KEPT above this: the release's name, K-11's address, its files, and the
// paths of this address that are no kiosk's.
"use strict";
const LIMIT = 4000, GONE = new Set([502, 503, 504]);

addEventListener("install", (event) => event.waitUntil((async () => {
  const kept = await caches.open(KEPT.release);
  await kept.addAll(KEPT.files);
  skipWaiting();
})()));

// A new release replaces what the one before has kept.
addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== KEPT.release) await caches.delete(name);
})()));

const kept = async (path) => (await (await caches.open(KEPT.release)).match(path, { ignoreVary: true })) || Response.error();

// The server's answer, whatever it is; K-11 when nobody gives one in four seconds.
const opened = async (request) => {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(LIMIT) });
    if (!GONE.has(answer.status)) return answer;
  } catch { /* nobody answered */ }
  return kept(KEPT.page);
};

addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const path = pathname + search;
  if (request.mode === "navigate") {
    if (!KEPT.others.some((one) => pathname.startsWith(one))) event.respondWith(opened(request));
  } else if (KEPT.files.includes(path)) event.respondWith(kept(path));
});
