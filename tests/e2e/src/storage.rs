//! What a page has put away: everything in it, as text.

use serde::Deserialize;

/// A cookie, of whatever origin, `HttpOnly` or not.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub domain: String,
    pub path: String,
    #[serde(default)]
    pub http_only: bool,
    #[serde(default)]
    pub same_site: Option<String>,
}

/// What one tab's page keeps, besides cookies. Each entry is one key with its value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageStorage {
    pub local: Vec<String>,
    pub session: Vec<String>,
    pub indexed_db: Vec<String>,
    /// The Cache API.
    pub caches: Vec<String>,
    /// The document, `history.state`, `window.name` and the address bar.
    pub page: Vec<String>,
}

/// Runs in the page, gives a [`PageStorage`] to its last argument.
pub(crate) const DUMP: &str = r#"
const done = arguments[arguments.length - 1];
const bytes = (buffer) => Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
const plain = async (value, seen = new Set()) => {
  if (value === null || typeof value !== 'object') return String(value);
  if (seen.has(value)) return '(again)';
  seen.add(value);
  if (value instanceof ArrayBuffer) return bytes(value);
  if (ArrayBuffer.isView(value)) {
    return bytes(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
  }
  if (value instanceof Blob) return bytes(await value.arrayBuffer());
  const entries = value instanceof Map ? [...value] : value instanceof Set ? [...value].map((v) => ['', v]) : Object.entries(value);
  const parts = [];
  for (const [key, inner] of entries) parts.push(await plain(key, seen) + '=' + await plain(inner, seen));
  return parts.join(' ');
};
const asked = (request) => new Promise((yes, no) => {
  request.onsuccess = () => yes(request.result);
  request.onerror = () => no(request.error);
});
const items = (storage) => Object.keys(storage).map((key) => key + '=' + storage.getItem(key));
const attempt = async (what) => { try { return await what(); } catch (error) { return ['unreadable: ' + error]; } };
(async () => done({
  local: await attempt(() => items(localStorage)),
  session: await attempt(() => items(sessionStorage)),
  indexedDb: await attempt(async () => {
    const found = [];
    for (const { name } of await indexedDB.databases()) {
      found.push(name);
      const database = await asked(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store);
        const keys = await asked(objects.getAllKeys());
        const values = await asked(database.transaction(store).objectStore(store).getAll());
        for (let i = 0; i < values.length; i++) {
          found.push([name, store, await plain(keys[i]), await plain(values[i])].join(' '));
        }
      }
      database.close();
    }
    return found;
  }),
  caches: await attempt(async () => {
    const found = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const answer = await cache.match(request);
        found.push([name, request.url, await plain([...request.headers]), await answer.text()].join(' '));
      }
    }
    return found;
  }),
  page: [document.documentElement.outerHTML, await plain(history.state), window.name, location.href],
}))();
"#;
