// The page's own files, from the network, and from a cache while there is none.
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method !== 'GET' || new URL(url).origin !== location.origin) return;
  event.respondWith((async () => {
    const files = await caches.open('files');
    try {
      const answer = await fetch(event.request);
      await files.put(event.request, answer.clone());
      return answer;
    } catch (error) {
      return (await files.match(event.request)) ?? Promise.reject(error);
    }
  })());
});
