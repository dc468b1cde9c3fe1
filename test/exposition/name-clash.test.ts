/**
 * Metrics whose lines have the name of another metric: every pair of types and suffixes, in every format, living and folded.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricType } from '../../src/model/metric-family.js';
import { assertSound, linesOf, type Member, scrape, startMember } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { needs } from '../support/needs.js';
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

async function make(member: Member, metrics: readonly Metric[]): Promise<void> {
  await member.run(
    ({ prom }, all) => {
      for (const { name, type, help } of all) {
        const config = { help, percentiles: [0.5], buckets: [1], states: ['on', 'off'] };
        if (type === 'counter') new prom.Counter({ ...config, name }).inc();
        else if (type === 'gauge') new prom.Gauge({ ...config, name, multiprocessMode: 'sum' }).set(1);
        else if (type === 'histogram') new prom.Histogram({ ...config, name }).observe(1);
        else if (type === 'summary') new prom.Summary({ ...config, name }).observe(1);
        else if (type === 'info') new prom.Info({ ...config, name }).set({ version: '1' });
        else new prom.StateSet({ ...config, name }).state('on');
      }
    },
    metrics.map((metric) => ({ ...metric, help: helpOf(metric) })),
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

/** @param shows whether each metric of a pair must be shown */
async function assertPairs(member: Member, shows: (pair: Pair) => readonly [boolean, boolean]): Promise<void> {
  const text = await scrape(member, 'text');
  const { parses, problems } = checkMetrics(text);
  assert.ok(parses, problems.slice(0, 5).join('\n'));
  const shown = shownIn(text);
  const wrong = PAIRS.filter((pair) => shows(pair).some((is, at) => is !== shown.has(helpOf(pair[at]))));
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${PAIRS.length} pairs`);
  const openMetrics = await scrape(member, 'openmetrics');
  assert.deepEqual(openMetricsProblems(openMetrics), []);
  assertNamesAreKept(openMetrics);
  const shownThere = shownIn(openMetrics);
  const bothHidden = PAIRS.filter((pair) => !pair.some((metric) => shownThere.has(helpOf(metric))));
  assert.deepEqual(bothHidden, []);
}

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
