// Runs the tasks of bench.js (this cache, in wasm) and the same ones by TanStack's core, in turns, and sends
// what they took to the server that the page came from.
globalThis.process = { env: { NODE_ENV: 'production' } };
const { QueryClient, QueryObserver, notifyManager } = await import('./tanstack/index.js');
const ours = await import('./wasm/bench.js');

const MANY = 10_000;
const ROUNDS = 11;

// A microtask instead of its own setTimeout(0), whose delay is not its work.
notifyManager.setScheduler(queueMicrotask);
const turn = () => new Promise((done) => setTimeout(done));
const client = () => new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
const options = (id, more) => ({ queryKey: ['item', id], queryFn: async () => [id, 0], ...more });

const theirs = {
  async ignored_write(number) {
    const cache = client();
    cache.setQueryData(['item', 0], [1, 0]);
    let told = 0;
    const select = (data) => data[0];
    const all = Array.from({ length: number }, () => {
      const one = new QueryObserver(cache, options(0, { select, notifyOnChangeProps: ['data'] }));
      one.subscribe(() => told++);
      return one;
    });
    await turn();
    const start = performance.now();
    cache.setQueryData(['item', 0], [1, 1]);
    await Promise.resolve();
    const took = performance.now() - start;
    await turn();
    if (told !== 0) throw new Error('somebody was told of what they ignore');
    cache.setQueryData(['item', 0], [2, 1]);
    await turn();
    if (told !== number) throw new Error('somebody was not told of what they selected');
    all.length = 0;
    return took;
  },
  async mount(number, distinct) {
    const cache = client();
    const id = (at) => (distinct ? at : 0);
    for (let at = 0; at < number; at++) cache.setQueryData(['item', id(at)], [id(at), 0]);
    await turn();
    const start = performance.now();
    const all = Array.from({ length: number }, (_, at) => {
      const one = new QueryObserver(cache, options(id(at)));
      one.subscribe(() => {});
      return one;
    });
    const took = performance.now() - start;
    if (!all.every((one, at) => one.getCurrentResult().data[0] === id(at))) throw new Error('not mounted');
    all.forEach((one) => one.destroy());
    return took;
  },
  async settle(number) {
    const cache = client();
    const start = performance.now();
    const all = await Promise.all(Array.from({ length: number }, (_, at) => cache.fetchQuery(options(at))));
    const took = performance.now() - start;
    if (!all.every((data, at) => data[0] === at)) throw new Error('not all were answered');
    cache.clear();
    return took;
  },
};

const tasks = [
  ['ignored write', (side) => side.ignored_write(MANY)],
  ['mount, one query', (side) => side.mount(MANY, false)],
  ['mount, each its own', (side) => side.mount(MANY, true)],
  ['settle', (side) => side.settle(MANY)],
];

const result = { browser: navigator.userAgent, tasks: {} };
try {
  await ours.default();
  // First: what the other tasks free would be used again, and nothing would grow.
  result.memory = await ours.bytes_each(MANY);
  for (const [name, run] of tasks) {
    const took = { ours: [], theirs: [] };
    for (let round = 0; round < ROUNDS; round++) {
      took.ours.push(await run(ours));
      await turn();
      took.theirs.push(await run(theirs));
      await turn();
    }
    result.tasks[name] = took;
  }
} catch (error) {
  result.error = String(error && error.stack ? error.stack : error);
}
await fetch('/done', { method: 'POST', body: JSON.stringify(result) });
document.body.textContent = JSON.stringify(result);
