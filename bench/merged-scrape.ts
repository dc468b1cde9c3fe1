/**
 * Compares the merged scrape with the cluster mode of other clients, in real clusters. It first checks that all print the same lines.
 *
 *   node dist/bench/merged-scrape.js [--quick]
 *
 * Each sample runs in a new process tree, the libraries take turns, and the figures are medians. Every value changes between two
 * scrapes. A stall is the longest time in which an event loop did not run a timer of 1 ms, over all warm scrapes of a tree. The
 * mark-compacts are those of the primary's V8 during these scrapes.
 */
import { fork, type ChildProcess } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import { createHash } from 'node:crypto';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setupPrimary } from '../src/cluster/setup-primary.js';
import { lentMetrics, MultiprocessCollector } from '../src/collector/multiprocess-collector.js';
import { successor } from '../test/support/npm-package.js';
import { median, table } from './report.js';

type Contender = 'prom-multiproc' | 'prom-client' | '@prometheus-io/client';

interface Scenario {
  readonly kind: 'counter' | 'histogram';
  readonly workers: number;
  readonly series: number;
}

interface Sample {
  readonly digest: string;
  readonly coldMs: number;
  readonly warmMs: number;
  readonly primaryStallMs: number;
  /** Number of times that the primary's V8 collected all garbage during the warm scrapes. */
  readonly primaryIdleStallMs: number;
  readonly markCompacts: number;
  readonly workerStallMs: number;
  /** The same time in the same workers, without scrapes. */
  readonly workerIdleStallMs: number;
  readonly error?: string;
}

const QUICK = process.argv.includes('--quick');
const SCENARIOS: Scenario[] = QUICK
  ? [{ kind: 'counter', workers: 2, series: 1000 }]
  : [
      { kind: 'counter', workers: 8, series: 10_000 },
      { kind: 'counter', workers: 8, series: 50_000 },
      { kind: 'counter', workers: 8, series: 100_000 },
      { kind: 'histogram', workers: 4, series: 10_000 },
      { kind: 'histogram', workers: 8, series: 20_000 },
    ];
const SAMPLES = QUICK ? 1 : 3;
const WARM_SCRAPES = 5;
const SETTLE_MS = 300;

/** The environment variable with the path of a package that is fetched for the processes of a tree. */
const SUCCESSOR = 'BENCH_SUCCESSOR';

function moduleOf(contender: Contender): string {
  return contender === '@prometheus-io/client' ? process.env[SUCCESSOR]! : contender;
}

async function drive(): Promise<void> {
  const contenders: Contender[] = ['prom-multiproc', 'prom-client'];
  if (Number(process.versions.node.split('.')[0]) >= 22) {
    contenders.push('@prometheus-io/client');
    process.env[SUCCESSOR] = await successor();
  }
  const rows: string[][] = [];
  for (const scenario of SCENARIOS) {
    const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
    for (let round = 0; round < SAMPLES; round++) {
      for (const contender of contenders) {
        // the other clients time out or take minutes here; one try is enough
        const hopeless = contender !== 'prom-multiproc' && scenario.workers * scenario.series >= 160_000 && round > 0;
        if (hopeless && scenario.kind === 'histogram') continue;
        if (contender !== 'prom-multiproc' && scenario.series === 100_000) continue;
        samples.get(contender)!.push(await runTree(contender, scenario));
      }
    }
    const digests = new Set(
      [...samples.values()]
        .flat()
        .filter(({ error }) => error === undefined)
        .map(({ digest }) => digest),
    );
    if (digests.size > 1) throw new Error(`outputs differ: ${JSON.stringify([...samples])}`);
    const ours = median(samples.get('prom-multiproc')!.map(({ warmMs }) => warmMs));
    for (const [contender, runs] of samples) {
      if (runs.length === 0) continue;
      const failed = runs.find(({ error }) => error !== undefined);
      const of = (what: keyof Sample): number => median(runs.map((run) => run[what] as number));
      const warm = of('warmMs');
      rows.push([
        `${scenario.kind}s ${scenario.workers} × ${scenario.series.toLocaleString('en')}`,
        contender,
        ...(failed === undefined
          ? [
              of('coldMs').toFixed(0),
              warm.toFixed(1),
              contender === 'prom-multiproc' ? '1' : `${(warm / ours).toFixed(0)} ×`,
              of('primaryStallMs').toFixed(1),
              of('primaryIdleStallMs').toFixed(1),
              of('markCompacts').toFixed(0),
              of('workerStallMs').toFixed(1),
              of('workerIdleStallMs').toFixed(1),
            ]
          : [failed.error!, '', '', of('primaryStallMs').toFixed(1), '', '', of('workerStallMs').toFixed(1), '']),
      ]);
    }
  }
  console.log(
    table(
      [
        'workers × series',
        'library',
        'cold ms',
        'warm ms',
        'ratio',
        'primary stall ms',
        'without scrapes ms',
        'mark-compacts',
        'worker stall ms',
        'without scrapes ms',
      ],
      rows,
    ),
  );
}

function runTree(contender: Contender, scenario: Scenario): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(__filename, ['--primary', contender, JSON.stringify(scenario)], {
      env: {
        ...process.env,
        PROM_MULTIPROC_MAX_BYTES: String(1 << 30),
        PROM_MULTIPROC_MAX_SERIES_PER_METRIC: '1000000',
      },
      execArgv: ['--max-old-space-size=8192'],
    });
    child.once('message', (sample) => resolve(sample as Sample));
    child.once('exit', (code) => reject(new Error(`a tree of ${contender} ended with ${code}`)));
  });
}

async function primary(contender: Contender, scenario: Scenario): Promise<void> {
  const api = loadLibrary(contender);
  api.setup?.();
  const workers = Array.from({ length: scenario.workers }, () =>
    cluster.fork({ BENCH: JSON.stringify({ contender, scenario }) }),
  );
  await Promise.all(workers.map((worker) => answerOf(worker)));
  await sleep(SETTLE_MS);
  const stall = watchStall();
  const errors: string[] = [];
  const scrape = async (): Promise<Scraped & { ms: number }> => {
    const start = performance.now();
    const scraped = await api.scrape!().catch((error: unknown): Scraped => {
      errors.push(`fails: ${String(error).slice(0, 60)}`);
      return { text: '' };
    });
    return { ms: performance.now() - start, ...scraped };
  };
  const cold = await scrape();
  cold.giveBack?.();
  stall.reset();
  const idle = await ask(workers, 'idle');
  const primaryIdleStallMs = stall.longestMs();
  const warm: number[] = [];
  let primaryStallMs = 0;
  let digest = '';
  const counted = countMarkCompacts();
  let markCompacts = 0;
  await ask(workers, 'reset');
  for (let round = 0; round < WARM_SCRAPES && errors.length === 0; round++) {
    await ask(workers, 'change');
    stall.reset();
    const scraped = await scrape();
    await sleep(5);
    primaryStallMs = Math.max(primaryStallMs, stall.longestMs());
    warm.push(scraped.ms);
    if (round === WARM_SCRAPES - 1) {
      // the digest makes garbage of its own
      markCompacts = await counted();
      digest = digestOf(scraped.text);
    }
    scraped.giveBack?.();
  }
  const stalls = await ask(workers, 'report');
  process.send!({
    digest,
    coldMs: cold.ms,
    warmMs: median(warm),
    primaryStallMs,
    primaryIdleStallMs,
    markCompacts,
    workerStallMs: Math.max(...stalls),
    workerIdleStallMs: Math.max(...idle),
    error: errors[0],
  } satisfies Sample);
  await sleep(50);
  for (const worker of workers) worker.process.kill('SIGKILL');
  process.exit();
}

async function ask(workers: Worker[], question: string): Promise<number[]> {
  return Promise.all(
    workers.map((worker) => {
      worker.send(question);
      return answerOf(worker);
    }),
  );
}

function answerOf(worker: Worker): Promise<number> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('answer' in message)) return;
      worker.off('message', listen);
      resolve(Number(message.answer));
    };
    worker.on('message', listen);
  });
}

interface Scraped {
  readonly text: string | Uint8Array;
  /** Call it when the text is no longer used. */
  readonly giveBack?: () => void;
}

interface Library {
  setup?(): void;
  scrape?(): Promise<Scraped>;
  client: typeof import('prom-client');
}

function loadLibrary(contender: Contender): Library {
  if (contender === 'prom-multiproc') {
    const client = require('prom-multiproc') as typeof import('prom-multiproc');
    if (!cluster.isPrimary) return { client };
    const collector = new MultiprocessCollector({ selfMetrics: false, threads: true });
    return {
      client,
      setup: () => setupPrimary({ clean: true }),
      // as the handler gets it: it gives the body back when it is sent
      scrape: async () => {
        const { body: text, giveBack } = await lentMetrics(collector, { format: 'text' })!;
        return { text, giveBack };
      },
    };
  }
  const client = require(moduleOf(contender)) as typeof import('prom-client') & {
    ClusterRegistry?: typeof import('prom-client').AggregatorRegistry;
  };
  const Aggregator = client.ClusterRegistry ?? client.AggregatorRegistry;
  if (!cluster.isPrimary) {
    // a worker responds to its primary only when it has made one of these
    void new Aggregator();
    return { client };
  }
  const aggregator = new Aggregator();
  return { client, scrape: async () => ({ text: await aggregator.clusterMetrics() }) };
}

function digestOf(text: string | Uint8Array): string {
  const lines = Buffer.from(text as string)
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return `${lines.length} lines ${createHash('sha256').update(lines.toSorted().join('\n')).digest('hex').slice(0, 16)}`;
}

async function work(contender: Contender, { kind, series }: Scenario): Promise<void> {
  const { client } = loadLibrary(contender);
  const labelNames = ['method', 'path', 'code'];
  const counter =
    kind === 'counter' ? new client.Counter({ name: 'requests_total', help: 'Requests', labelNames }) : undefined;
  const histogram =
    kind === 'histogram' ? new client.Histogram({ name: 'request_seconds', help: 'Durations', labelNames }) : undefined;
  const children = Array.from({ length: series }, (_, at) => {
    const labels = ['GET', `/api/items/${at}`, '200'] as const;
    return counter?.labels(...labels) ?? histogram!.labels(...labels);
  });
  const change = (): void => {
    for (const child of children) {
      if ('inc' in child) child.inc();
      else child.observe(0.25);
    }
  };
  change();
  const stall = watchStall();
  const answer = (value: number): void => void process.send!({ answer: value });
  process.on('message', async (question) => {
    if (question === 'change') change();
    if (question === 'reset') stall.reset();
    if (question === 'change' || question === 'reset') {
      // the change of the values causes a stall too, which does not belong to the scrape
      await sleep(5);
      stall.reset(question === 'change');
      answer(0);
    }
    if (question === 'report') answer(stall.longestMs());
    if (question === 'idle') {
      stall.reset();
      await sleep(500);
      answer(stall.longestMs());
    }
  });
  answer(0);
}

/** Counts from now on, and returns a function that ends it. */
function countMarkCompacts(): () => Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    // entries arrive on a later turn
    await sleep(20);
    observer.disconnect();
    return count;
  };
}

/** The longest time in which a timer of 1 ms did not fire, minus that millisecond. */
function watchStall(): { reset(keepLongest?: boolean): void; longestMs(): number } {
  let last = performance.now();
  let longest = 0;
  let kept = 0;
  setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  return {
    reset(keepLongest = false) {
      // counts the time before the change, and not the change
      if (!keepLongest) kept = 0;
      longest = kept;
      last = performance.now();
    },
    longestMs() {
      kept = Math.max(kept, longest, performance.now() - last - 1);
      return kept;
    },
  };
}

// a worker inherits the arguments of its primary, so the environment tells them apart
if (process.env.BENCH !== undefined) {
  const { contender, scenario } = JSON.parse(process.env.BENCH) as { contender: Contender; scenario: Scenario };
  void work(contender, scenario);
} else if (process.argv[2] === '--primary') {
  void primary(process.argv[3] as Contender, JSON.parse(process.argv[4]) as Scenario);
} else {
  void drive();
}
