import assert from 'node:assert/strict';
import { afterEach, describe, it, test } from 'node:test';
import promClient from 'prom-client';
import { Counter, Gauge, register, Registry } from 'prom-multiproc';
import { type MergedQuery, type MergedView, provideMergedView } from '../../src/registry/merged-view.js';
import { sharedStore } from '../../src/storage/process-store.js';
import { localRegistry } from '../support/local-registry.js';

const TEXT = Registry.PROMETHEUS_CONTENT_TYPE;

const make = (): Registry => new Registry();
const MADE_WHILE_LOADING = [new Registry(), new Registry()];
const MADE_IN_A_FUNCTION = make();

/** Replaces the collector: shows the query that it received. */
function fakeView(active = true): MergedView {
  const shown = (query: MergedQuery): string =>
    'registries' in query
      ? query.registries.join(' ')
      : `unnamed ${query.unnamed.declarations.map(({ name }) => name).join(' ')}`;
  return {
    active: () => active,
    metrics: async (query, contentType) => ({
      text: `# HELP merged ${shown(query)} ${contentType === TEXT ? 'text\n' : 'om\n# EOF\n'}`,
      missing: [],
    }),
    families: async (query) => ({
      families: ['a_total', 'elsewhere'].map((name) => ({
        ...{ name, help: shown(query), type: 'counter', aggregator: 'sum' },
        samples: [{ name, labels: {}, value: 100 }],
      })),
      missing: [],
    }),
  };
}

/** The view of the collector is global state; these tests restore it. */
async function withView(view: MergedView | undefined, run: () => Promise<void>): Promise<void> {
  provideMergedView(view);
  try {
    await run();
  } finally {
    provideMergedView(undefined);
  }
}

function registriesOf(name: string): (readonly string[])[] {
  return [...sharedStore().families]
    .filter(({ declaration }) => declaration.name === name)
    .map(({ registries }) => registries);
}

describe('Registries in merged output', () => {
  afterEach(() => {
    register.clear();
  });

  it('are distinguished by their names', () => {
    assert.equal(new Registry(TEXT, { name: 'billing' }).sharedName, 'billing');
    assert.equal(register.sharedName, 'default');
    assert.equal(new Registry(TEXT, { multiprocess: false }).sharedName, undefined);
    for (const name of ['', '?x']) assert.throws(() => new Registry(TEXT, { name }), { code: 'ERR_INVALID_ARGUMENT' });
  });

  it('without a name are distinguished by the places where modules make them', () => {
    const place = 'prom-multiproc/dist/test/registry/registry.test.js#';
    assert.deepEqual(
      [...MADE_WHILE_LOADING, MADE_IN_A_FUNCTION, new Registry()].map(({ sharedName }) => sharedName),
      [`?${place}#0`, `?${place}#1`, `?${place}make#0`, undefined],
    );
  });

  it('are named in the record of each of their metrics', () => {
    const [a, b, local] = [new Registry(TEXT, { name: 'a' }), new Registry(TEXT, { name: 'b' }), localRegistry()];
    const counter = new Counter({ name: 'named_total', help: 'N.', registers: [a, local] });
    assert.deepEqual(registriesOf('named_total'), [['a']]);
    b.registerMetric(counter);
    assert.deepEqual(registriesOf('named_total'), [['a', 'b']]);
    a.removeSingleMetric('named_total');
    assert.deepEqual(registriesOf('named_total'), [['b']]);
    b.clear();
    assert.deepEqual(registriesOf('named_total'), []);
    assert.deepEqual(local.getMetricsAsArray(), [counter]);
  });

  it('of one request stay local: a process that makes one per request does not fill the file', () => {
    const before = sharedStore().families.size;
    const registries = Array.from({ length: 120 }, () => new Registry());
    for (const registry of registries) new Gauge({ name: 'job', help: 'J.', registers: [registry] }).set(1);
    assert.equal(sharedStore().families.size, before);
    for (const registry of registries) registry.clear();
  });
});

describe('Registry#metrics', () => {
  afterEach(() => {
    register.clear();
  });

  it('returns the merged view if one is active, and otherwise the values of this process', async () => {
    new Counter({ name: 'a_total', help: 'A.' }).inc();
    const own = '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n';
    await withView(undefined, async () => assert.equal(await register.metrics(), own));
    await withView(fakeView(false), async () => assert.equal(await register.metrics(), own));
    await withView(fakeView(), async () => {
      assert.equal(await register.metrics(), '# HELP merged default text\n');
      assert.equal(await register.metrics({ scope: 'process' }), own);
      assert.equal(
        await register.getSingleMetricAsString('a_total'),
        own.replace('A.', 'default').replace('1\n', '100'),
      );
      assert.equal((await register.getMetricsAsJSON())[0].values[0].value, 1);
      assert.equal((await register.getMetricsAsJSON({ scope: 'merged' }))[0].values[0].value, 100);
    });
  });

  it('returns the values of this process if PROM_MULTIPROC_SCOPE is process', async (t) => {
    new Counter({ name: 'a_total', help: 'A.' }).inc();
    process.env.PROM_MULTIPROC_SCOPE = 'process';
    t.after(() => delete process.env.PROM_MULTIPROC_SCOPE);
    await withView(fakeView(), async () => {
      assert.match(await register.metrics(), /^a_total 1$/m);
      assert.match(await register.metrics({ scope: 'merged' }), /^# HELP merged default/);
    });
  });

  it('refuses unknown scopes', async () => {
    await assert.rejects(() => register.metrics({ scope: 'worker' as never }), { code: 'ERR_INVALID_ARGUMENT' });
  });

  it('adds metrics that merged output does not have', async () => {
    register.registerMetric({
      name: 'foreign',
      get: () => ({ name: 'foreign', help: 'F.', type: 'gauge', values: [{ value: 1, labels: {} }] }),
    });
    const foreign = '# HELP foreign F.\n# TYPE foreign gauge\nforeign 1\n';
    await withView(fakeView(), async () => {
      const merged = '# HELP a_total default\n# TYPE a_total counter\na_total 100\n';
      const elsewhere = '# HELP elsewhere default\n# TYPE elsewhere counter\nelsewhere 100\n';
      assert.equal(await register.metrics(), `${merged}\n${elsewhere}\n${foreign}`);
      assert.equal(await register.getSingleMetricAsString('foreign'), foreign.trimEnd());
      assert.deepEqual(
        (await register.getMetricsAsJSON({ scope: 'merged' })).map(({ name }) => name),
        ['a_total', 'elsewhere', 'foreign'],
      );
      register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      const openMetrics = await register.metrics();
      assert.match(openMetrics, /^a_total 100$[^]*^elsewhere 100$[^]*^foreign 1\n# EOF\n$/m);
      assert.equal(openMetrics.match(/# EOF/g)?.length, 1);
      register.setContentType(TEXT);
    });
  });

  it('of a local registry always returns the values of this process', async () => {
    const local = localRegistry();
    new Counter({ name: 'a_total', help: 'A.', registers: [local] }).inc();
    await withView(fakeView(), async () => assert.match(await local.metrics(), /^a_total 1$/m));
  });

  it('of a merged registry returns the merged view of its sources', async () => {
    const [a, local] = [new Registry(TEXT, { name: 'a' }), localRegistry()];
    new Counter({ name: 'a_total', help: 'A.', registers: [a] }).inc();
    new Counter({ name: 'b_total', help: 'B.', registers: [local] }).inc();
    await withView(fakeView(), async () => {
      const merged = Registry.merge([register, a, local]);
      merged.setDefaultLabels({ app: 'x' });
      // the family of the registry that holds such a metric here; if none does, of the first
      assert.equal(
        await merged.metrics(),
        '# HELP a_total a\n# TYPE a_total counter\na_total{app="x"} 100\n\n' +
          '# HELP elsewhere default\n# TYPE elsewhere counter\nelsewhere{app="x"} 100\n\n' +
          '# HELP b_total B.\n# TYPE b_total counter\nb_total{app="x"} 1\n',
      );
      assert.match(await merged.metrics({ scope: 'process' }), /^a_total\{app="x"\} 1$[^]*^b_total\{app="x"\} 1$/m);
    });
    a.clear();
  });

  it('of a merged registry includes metrics of prom-client registries in this process', async () => {
    const theirs = new promClient.Registry();
    new promClient.Counter({ name: 'theirs_total', help: 'T.', registers: [theirs] }).inc(3);
    const own = '# HELP theirs_total T.\n# TYPE theirs_total counter\ntheirs_total 3\n';
    assert.ok((await Registry.merge([register, theirs]).metrics()).endsWith(own));
    await withView(fakeView(), async () => {
      assert.ok((await Registry.merge([register, theirs]).metrics()).endsWith(own));
    });
  });

  it('names a missing metric in its error', async () => {
    const missing = { code: 'ERR_INVALID_ARGUMENT', message: "no metric with the name 'nobody' is registered" };
    await assert.rejects(() => register.getSingleMetricAsString('nobody'), missing);
    await withView(fakeView(), async () => {
      await assert.rejects(() => register.getSingleMetricAsString('nobody'), missing);
      assert.equal(
        await register.getSingleMetricAsString('elsewhere'),
        '# HELP elsewhere default\n# TYPE elsewhere counter\nelsewhere 100',
      );
    });
  });

  it('changes no values', async () => {
    const registry = new Registry<any>(Registry.OPENMETRICS_CONTENT_TYPE);
    registry.setDefaultLabels({ app: 'x' });
    const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['b'], registers: [registry] });
    counter.inc({ b: '1' });
    const first = await registry.metrics();
    await registry.getMetricsAsJSON();
    assert.equal(await registry.metrics(), first);
    assert.equal(counter.name, 'a_total');
    registry.setDefaultLabels({});
    assert.match(await registry.metrics(), /^a_total\{b="1"\} 1$/m);
    registry.clear();
  });
});

describe('Registry#registerMetric', () => {
  it('refuses objects that are not metrics', () => {
    assert.throws(() => localRegistry().registerMetric({}), {
      code: 'ERR_INVALID_ARGUMENT',
      message: 'a metric has a name and get(), unlike {}',
    });
  });
});

test('an aggregator selects metrics, as in the successor of prom-client', async () => {
  const registry = new Registry(undefined, { multiprocess: false });
  new Counter({ name: 'jobs_total', help: 'Jobs.', registers: [registry] });
  new Gauge({ name: 'busy', help: 'Busy.', aggregator: 'max', registers: [registry] });
  const names = (metrics: { name: string }[]): string[] => metrics.map(({ name }) => name);
  assert.deepEqual(names(registry.getMetricsAsArray('max')), ['busy']);
  assert.deepEqual(names(await registry.getMetricsAsJSON('sum')), ['jobs_total']);
  assert.deepEqual(names(await registry.getMetricsAsJSON()), ['jobs_total', 'busy']);
});
