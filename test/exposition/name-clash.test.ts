/**
 * Metrics whose lines have the name of another metric: every pair of types and suffixes, in every format, living and folded.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricType } from '../../src/model/metric-family.js';
import { assertSound, linesOf, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { needs } from '../support/needs.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { checkMetrics, openMetricsProblems } from '../support/promtool.js';
import { withTempDir } from '../support/temp-dir.js';

type Type = Extract<MetricType, 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'stateset'>;

/**
 * The suffixes that each type adds to the name of its metric: in text, and in OpenMetrics including lines that are not
 * shown.
 */
const SUFFIXES: Readonly<Record<Type, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
  info: ['_info'],
  stateset: [''],
};
const TYPES = Object.keys(SUFFIXES) as Type[];
const NAMES = ['', '_total', '_bucket', '_sum', '_count', '_created', '_info'];

interface Metric {
  readonly name: string;
  readonly type: Type;
}

type Pair = readonly [Metric, Metric];

/** Each has its own stem, so that all can be in one exposition. */
const PAIRS: readonly Pair[] = TYPES.flatMap((first) =>
  NAMES.flatMap((firstName) =>
    TYPES.flatMap((second) => NAMES.map((secondName) => [first, firstName, second, secondName] as const)),
  ),
)
  .filter(([, firstName, , secondName]) => firstName !== secondName)
  .map(([first, firstName, second, secondName], at) => [
    { name: `p${at}_x${firstName}`, type: first },
    { name: `p${at}_x${secondName}`, type: second },
  ]);

function helpOf({ name, type }: Metric): string {
  return `${name} is made as ${type}.`;
}

function namesOf({ name, type }: Metric): string[] {
  const stem = type === 'info' ? name.replace(/_info$/, '') : name;
  return SUFFIXES[type].map((suffix) => stem + suffix);
}

function clash([first, second]: Pair): boolean {
  return namesOf(first).some((name) => namesOf(second).includes(name));
}

/** @param registry a name in `kept`; by default the default registry */
async function make(member: Member, metrics: readonly Metric[], registry?: string): Promise<void> {
  await member.run(
    ({ prom, kept }, all, place) => {
      for (const { name, type, help } of all) {
        const registers = [place === undefined ? prom.register : kept[place]];
        const config = { help, percentiles: [0.5], buckets: [1], states: ['on', 'off'], registers };
        if (type === 'counter') new prom.Counter({ ...config, name }).inc();
        else if (type === 'gauge') new prom.Gauge({ ...config, name, multiprocessMode: 'sum' }).set(1);
        else if (type === 'histogram') new prom.Histogram({ ...config, name }).observe(1);
        else if (type === 'summary') new prom.Summary({ ...config, name }).observe(1);
        else if (type === 'info') new prom.Info({ ...config, name }).set({ version: '1' });
        else new prom.StateSet({ ...config, name }).state('on');
      }
    },
    metrics.map((metric) => ({ ...metric, help: helpOf(metric) })),
    registry,
  );
}

/** OpenMetrics 1.0, 4.4: a family reserves its own name and that with every suffix of its type. */
function assertNamesAreKept(text: string): void {
  const kept = new Map<string, string>();
  const suffixes: Readonly<Record<string, readonly string[]>> = {
    counter: ['_total', '_created'],
    histogram: ['_bucket', '_sum', '_count', '_created'],
    summary: ['_sum', '_count', '_created'],
    info: ['_info'],
  };
  for (const { name, type } of parseExposition(text).families) {
    for (const suffix of ['', ...(suffixes[type!] ?? [])]) {
      const other = kept.get(name + suffix);
      assert.equal(other, undefined, `${name}, a ${type}, and ${other} have the name ${name + suffix}`);
      kept.set(name + suffix, name);
    }
  }
}

/** Returns the metrics that have a family, by their help texts. */
function shownIn(text: string): ReadonlySet<string> {
  return new Set(parseExposition(text).families.map(({ help }) => help!));
}

/** Returns the metrics that are shown in protobuf, after checking that no sample is there twice. */
async function shownInProtobuf(member: Member): Promise<ReadonlySet<string>> {
  const body = await member.look(async ({ prom, kept }) => {
    kept.server ??= await prom.startHttpServer({ port: 0 });
    const accept = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
    const response = await fetch(`${kept.server.url}/metrics`, { headers: { accept } });
    return Buffer.from(await response.arrayBuffer());
  });
  const families = decodeProtobuf(body);
  const series = families.flatMap(({ samples }) => samples.map(({ name, labels }) => JSON.stringify([name, labels])));
  assert.equal(new Set(series).size, series.length, 'each sample once in protobuf');
  assert.equal(new Set(families.map(({ name }) => name)).size, families.length, 'each family once in protobuf');
  return new Set(families.map(({ help }) => help));
}

/** Whether each metric of a pair must be shown. */
type Shows = (pair: Pair) => readonly [boolean, boolean];

function assertShown(shown: ReadonlySet<string>, shows: Shows, pairs: readonly Pair[]): void {
  const wrong = pairs.filter((pair) => shows(pair).some((is, at) => is !== shown.has(helpOf(pair[at]))));
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${pairs.length} pairs`);
}

async function assertPairs(member: Member, shows: Shows): Promise<void> {
  assertTexts([await scrape(member, 'text'), await scrape(member, 'openmetrics')], shows);
  assertShown(await shownInProtobuf(member), shows, PAIRS);
}

function assertTexts([text, openMetrics]: readonly string[], shows: Shows, pairs = PAIRS): void {
  const { parses, problems } = checkMetrics(text);
  assert.ok(parses, problems.slice(0, 5).join('\n'));
  assertShown(shownIn(text), shows, pairs);
  assert.deepEqual(openMetricsProblems(openMetrics), []);
  assertNamesAreKept(openMetrics);
  const shownThere = shownIn(openMetrics);
  const bothHidden = pairs.filter((pair) => !pair.some((metric) => shownThere.has(helpOf(metric))));
  assert.deepEqual(bothHidden, []);
}

/** The pairs that clash, for places where all others need not be tried again. */
const CLASHING = PAIRS.filter(clash);

async function countedClashes(member: Member): Promise<number> {
  const text = await scrape(member);
  return Number(/^prom_multiproc_conflicting_families\{reason="name"\} (\d+)$/m.exec(text)![1]);
}

test(
  'of two metrics with lines of the same name the later one is shown, in one process and after its death',
  needs('prometheus'),
  async (t) => {
    const dir = withTempDir(t);
    const reader = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
    const writer = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
    await make(writer, PAIRS.flat());
    await assertPairs(reader, (pair) => [!clash(pair), true]);
    const clashes = await countedClashes(reader);
    assert.ok(clashes >= PAIRS.filter(clash).length);
    assert.match(reader.output, /the metric p\d+_x_count is not shown: the metric p\d+_x, which was declared later/);
    await writer.kill('SIGKILL');
    await reader.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
    await assertPairs(reader, (pair) => [!clash(pair), true]);
    assert.equal(await countedClashes(reader), clashes);
  },
);

test('a metric of a living process hides a folded one with lines of the same names', needs('prometheus'), async (t) => {
  const dir = withTempDir(t);
  const reader = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  const dead = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await make(
    dead,
    PAIRS.map(([, second]) => second),
  );
  await dead.kill('SIGKILL');
  await reader.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
  const living = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await make(
    living,
    PAIRS.map(([first]) => first),
  );
  await assertPairs(reader, (pair) => [true, !clash(pair)]);
});

test('in memory the later one is shown too', needs('prometheus'), async (t) => {
  const member = await startMember(t);
  await make(member, PAIRS.flat());
  await assertPairs(member, (pair) => [!clash(pair), true]);
});

test('of a registry that stays in its process the later one is shown', needs('prometheus'), async (t) => {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: withTempDir(t) });
  await member.run(({ prom, kept }) => {
    kept.local = new prom.Registry(undefined, { multiprocess: false });
    kept.other = new prom.Registry(undefined, { multiprocess: false });
  });
  await make(member, CLASHING.flat(), 'local');
  const textsOf = (what: string) =>
    member.run(async ({ prom, kept }, name) => {
      kept.local.setContentType(prom.prometheusContentType);
      const registry = kept[name] ?? prom.Registry.merge([kept.local, kept.other]);
      const texts: string[] = [];
      for (const contentType of [prom.prometheusContentType, prom.openMetricsContentType]) {
        registry.setContentType(contentType);
        texts.push(await registry.metrics());
      }
      return texts;
    }, what);
  for (const what of ['local', 'merged']) assertTexts(await textsOf(what), () => [false, true], CLASHING);
});

test(
  'of two registries that workers give to setRegistries() the later one is shown',
  needs('prometheus'),
  async (t) => {
    const { primary, workers } = await startCluster(t, withTempDir(t));
    for (const worker of workers) {
      await worker.run(({ prom, kept }) => {
        kept.first = new prom.Registry();
        kept.second = new prom.Registry();
        prom.AggregatorRegistry.setRegistries([kept.first, kept.second]);
      });
    }
    for (const [at, name] of ['first', 'second'].entries()) {
      const metrics = CLASHING.map((pair) => pair[at]);
      await make(workers[at], metrics, name);
    }
    const check = async (): Promise<void> => {
      const texts = await primary.run(({ prom }) =>
        Promise.all(
          [prom.prometheusContentType, prom.openMetricsContentType].map((contentType) =>
            new prom.AggregatorRegistry<any>(contentType).clusterMetrics(),
          ),
        ),
      );
      assertTexts(texts, () => [false, true], CLASHING);
    };
    await written();
    await check();
    for (const worker of workers) await worker.kill('SIGKILL');
    await primary.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
    await check();
  },
);

test('an example: an Info beside a gauge with the name of its samples', async (t) => {
  const dir = withTempDir(t);
  const first = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  const second = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await first.run(({ prom }) => new prom.Info({ name: 'build', help: 'Build.' }).set({ version: '1' }));
  await second.run(({ prom }) =>
    new prom.Gauge({ name: 'build_info', help: 'Build.', labelNames: ['version'] }).set({ version: '2' }, 1),
  );
  const text = await scrape(first);
  assertSound(text);
  assert.deepEqual(linesOf(text, 'build_info'), ['build_info{version="2"} 1']);
  assert.equal(text.match(/# TYPE build_info/g)?.length, 1);
});

test(
  'merged metrics and metrics of the serving process alone make one valid exposition',
  needs('prometheus'),
  async (t) => {
    const dir = withTempDir(t);
    const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
    const worker = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
    await worker.run(({ prom }) => {
      new prom.Histogram({ name: 'wait', help: 'Merged.', buckets: [1] }).observe(1);
      new prom.Counter({ name: 'jobs_total', help: 'Merged.' }).inc();
      new prom.Gauge({ name: 'load', help: 'Merged.', multiprocessMode: 'sum' }).set(1);
    });
    await primary.run(({ prom }) => {
      const alone = [
        { name: 'wait_count', help: 'Local.', type: 'gauge', values: [{ value: 7, labels: {} }] },
        { name: 'jobs', help: 'Local.', type: 'gauge', values: [{ value: 7, labels: {} }] },
        { name: 'load', help: 'Local.', type: 'gauge', values: [{ value: 7, labels: {} }] },
      ];
      for (const metric of alone) prom.register.registerMetric({ ...metric, get: () => metric });
    });
    const text = await scrape(primary);
    assert.equal(text.match(/# TYPE load /g)?.length, 1);
    assert.deepEqual(linesOf(text, 'wait'), ['wait_count 7']);
    assert.deepEqual(linesOf(text, 'load'), ['load 7']);
    assert.deepEqual(linesOf(text, 'jobs'), ['jobs_total 1', 'jobs 7']);
    const openMetrics = await scrape(primary, 'openmetrics');
    assert.deepEqual(openMetricsProblems(openMetrics), []);
    assertNamesAreKept(openMetrics);
    assert.equal(openMetrics.match(/# EOF/g)?.length, 1);
  },
);

test("a metric with a name of the collector's own is not shown beside it, and counted as a conflict", async (t) => {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: withTempDir(t) });
  await member.run(({ prom }) => {
    new prom.Gauge({ name: 'prom_multiproc_series', help: 'Of the application.' }).set(77);
    new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
  });
  for (const format of ['text', 'openmetrics'] as const) {
    const text = await scrape(member, format);
    assert.equal(text.match(/# TYPE prom_multiproc_series /g)?.length, 1);
    assert.doesNotMatch(text, /prom_multiproc_series 77/);
  }
  assert.equal(await countedClashes(member), 1);
  assert.match(member.output, /prom_multiproc_series is not shown: the collector's own metric/);
  assert.doesNotMatch(await member.run(({ prom }) => prom.register.getSingleMetricAsString('jobs_total')), /series/);
});

test('a text for the Pushgateway or for node_exporter has no two metrics with lines of the same name', async (t) => {
  const member = await startMember(t);
  const file = `${withTempDir(t)}/app.prom`;
  const text = await member.run(async ({ prom, require: load }, to) => {
    new prom.Histogram({ name: 'wait', help: 'Wait.', buckets: [1] }).observe(1);
    new prom.Gauge({ name: 'wait_count', help: 'Count.' }).set(7);
    await prom.writeToTextfile(to);
    return (load('node:fs') as typeof import('node:fs')).readFileSync(to, 'utf8');
  }, file);
  assertSound(text);
  assert.deepEqual(linesOf(text, 'wait'), ['wait_count 7']);
});
