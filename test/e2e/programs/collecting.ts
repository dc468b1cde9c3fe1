/** A worker whose callbacks are always in progress, in a state that no other process may see. */
import { Counter, Gauge, Registry } from 'prom-multiproc';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const multiprocessMode = 'sum';
let turn = 0;

/** The rooms together always have ten guests. */
const rooms = new Gauge({
  name: 'rooms',
  help: 'Guests',
  labelNames: ['name'],
  multiprocessMode,
  async collect() {
    floors.reset();
    this.reset();
    await pause(3);
    const first = ++turn % 11;
    this.set({ name: 'first' }, first);
    floors.set({ floor: 'ground' }, 7);
    await pause(1);
    this.set({ name: 'second' }, 10 - first);
  },
});
const floors = new Gauge({ name: 'floors', help: 'Filled by the rooms', labelNames: ['floor'], multiprocessMode });
const level = new Gauge({
  name: 'level',
  help: 'Set to 0 and counted up',
  multiprocessMode,
  async collect() {
    this.set(0);
    for (let step = 0; step < 5; step++) {
      await pause(1);
      this.inc();
    }
  },
});
let works = true;
const failing = new Gauge({
  name: 'failing',
  help: 'The second call fails',
  labelNames: ['name'],
  multiprocessMode,
  async collect() {
    this.reset();
    if (!works) {
      await pause(1);
      throw new Error('no connection');
    }
    this.set({ name: 'a' }, 1);
    works = false;
  },
});
const hanging = new Gauge({
  name: 'hanging',
  help: 'The second call never ends',
  labelNames: ['name'],
  multiprocessMode,
  collect() {
    if (works) return this.set({ name: 'a' }, 1);
    this.reset();
    return new Promise<void>(() => {});
  },
});
/** Counted by the application while callbacks of it run. */
const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', collect: () => pause(2) });
const imported = new Counter({
  name: 'imported_total',
  help: 'Reset and counted again',
  async collect() {
    this.reset();
    await pause(1);
    this.inc(21);
    this.inc(21);
  },
});

/** Each metric has a separate registry, so that none waits for one that hangs. */
const registries = [hanging, failing, rooms, level, imported, jobs].map((metric) => {
  const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { multiprocess: false });
  registry.registerMetric(metric);
  return registry;
});

async function collectForEver(registry: Registry): Promise<void> {
  for (;;) {
    await registry.metrics();
    await pause(0);
  }
}

async function run(): Promise<void> {
  for (const registry of registries) await registry.metrics();
  jobs.inc();
  process.send?.('ready');
  for (const registry of registries) void collectForEver(registry);
  // as many as the test is told before it kills this process, and perhaps a few more
  for (let count = 1; ; count++) {
    jobs.inc();
    process.send?.(count + 1);
    await pause(1);
  }
}

void run();
