// Keeps the page's files in the browser, so that it opens without a network. VERSION and PATHS stand above, written by the export.

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(["./", ...PATHS])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const older = async () => Promise.all((await caches.keys()).filter((name) => name !== VERSION).map((name) => caches.delete(name)));
  event.waitUntil(older().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  // the server's answer first, so that a newer model is seen at once
  event.respondWith(fetch(event.request).catch(async () => (await caches.match(event.request)) ?? Response.error()));
});
