/**
 * The deliberate differences from prom-client 15.1.3, and the reasons. Each script has different records with the two
 * packages. `examples/guide/migration.md` lists them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as promClient from 'prom-client';
import * as promMultiproc from 'prom-multiproc';
import { type Stage, transcript } from './script.js';

interface Difference {
  readonly name: string;
  readonly because: string;
  readonly script: (stage: Stage) => Promise<void> | void;
  /** The records with prom-client, and with this package. */
  readonly there: unknown[];
  readonly here: unknown[];
}

/** Returns only the sample lines. */
async function samples(registry: promClient.Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function openMetrics({ client }: Stage): promClient.Registry {
  const registry = new client.Registry();
  registry.setContentType(client.openMetricsContentType as never);
  return registry;
}

const DIFFERENCES: readonly Difference[] = [
  {
    name: 'label values that are equal when joined give two series',
    because: 'the counts of two series must not be added',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x', 'y'], registers: [registry] });
      counter.inc({ x: 'p', y: 'q' });
      counter.inc({ x: 'p,y:q' });
      record(await samples(registry));
    },
    there: [['a{x="p",y="q"} 2']],
    here: [['a{x="p",y="q"} 1', 'a{x="p,y:q"} 1']],
  },
  {
    name: 'labels are printed in the order of their declaration',
    because: 'the order of the first call differs between processes, and one series must have one text',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x', 'y'], registers: [registry] });
      counter.inc({ y: '2', x: '1' });
      record(await samples(registry));
    },
    there: [['a{y="2",x="1"} 1']],
    here: [['a{x="1",y="2"} 1']],
  },
  {
    name: "the caller's label object is not kept",
    because: 'an object that is used again must not rename a series',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      const labels = { x: 'before' };
      counter.inc(labels);
      labels.x = 'after';
      record(await samples(registry));
    },
    there: [['a{x="after"} 1']],
    here: [['a{x="before"} 1']],
  },
  {
    name: 'label values are strings in objects too',
    because: 'they are strings in the file, and 200 and "200" are one series',
    async script({ client, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [] });
      counter.inc({ x: 200 });
      record(typeof (await counter.get()).values[0].labels.x);
    },
    there: ['number'],
    here: ['string'],
  },
  {
    name: 'a label with the value undefined and an absent label are different series',
    because: 'they are printed differently',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      counter.inc({ x: undefined });
      counter.inc({});
      record(await samples(registry));
    },
    there: [['a{x="undefined"} 2']],
    here: [['a{x="undefined"} 1', 'a 1']],
  },
  {
    name: 'NaN is printed as the formats require',
    because: '"Nan" is not in their grammar, and only tolerant scrapers accept it',
    async script({ client, registry, record }) {
      new client.Gauge({ name: 'a', help: 'A.', registers: [registry] }).set(NaN);
      record(await samples(registry));
    },
    there: [['a Nan']],
    here: [['a NaN']],
  },
  {
    name: 'buckets are sorted, without duplicates, and +Inf is not printed twice',
    because: 'unsorted buckets are not cumulative, since a value counts in the first that is large enough',
    async script({ client, registry, record }) {
      const buckets = [5, 1, 5, Infinity];
      new client.Histogram({ name: 'a', help: 'A.', buckets, registers: [registry] }).observe(0.5);
      record((await samples(registry)).slice(0, -2));
    },
    there: [
      [
        'a_bucket{le="5"} 1',
        'a_bucket{le="1"} 1',
        'a_bucket{le="5"} 2',
        'a_bucket{le="Infinity"} 2',
        'a_bucket{le="+Inf"} 1',
      ],
    ],
    here: [['a_bucket{le="1"} 1', 'a_bucket{le="5"} 1', 'a_bucket{le="+Inf"} 1']],
  },
  {
    name: 'zero() keeps observations',
    because: 'its purpose is to show a series before its first observation',
    async script({ client, registry, record }) {
      const histogram = new client.Histogram({
        name: 'a',
        help: 'A.',
        buckets: [],
        labelNames: ['x'],
        registers: [registry],
      });
      histogram.observe({ x: '1' }, 5);
      histogram.zero({ x: '1' });
      record(await samples(registry));
    },
    there: [['a_bucket{le="+Inf",x="1"} 0', 'a_sum{x="1"} 0', 'a_count{x="1"} 0']],
    here: [['a_bucket{le="+Inf",x="1"} 1', 'a_sum{x="1"} 5', 'a_count{x="1"} 1']],
  },
  {
    name: 'a histogram without labels is still shown after reset()',
    because: 'a counter and a gauge are too',
    async script({ client, registry, record }) {
      const histogram = new client.Histogram({ name: 'a', help: 'A.', buckets: [], registers: [registry] });
      histogram.observe(5);
      histogram.reset();
      record(await samples(registry));
    },
    there: [[]],
    here: [['a_bucket{le="+Inf"} 0', 'a_sum 0', 'a_count 0']],
  },
  {
    name: 'reading objects does not write the default labels into the metrics',
    because: 'reading must not change them',
    async script({ client, registry, record }) {
      new client.Counter({ name: 'a', help: 'A.', registers: [registry] }).inc();
      registry.setDefaultLabels({ app: 'x' });
      await registry.getMetricsAsJSON();
      registry.setDefaultLabels({});
      record(await samples(registry));
    },
    there: [['a{app="x"} 1']],
    here: [['a 1']],
  },
  {
    name: 'rendering OpenMetrics does not rename a counter, and prints only its own name',
    because: 'jobs_done must have the same name in both formats, before and after',
    async script(stage) {
      const registry = openMetrics(stage);
      const counter = new stage.client.Counter({ name: 'jobs_total', help: 'J.', registers: [registry] });
      stage.record(await samples(registry));
      stage.record((await counter.get()).name);
      stage.record((await registry.getSingleMetricAsString('jobs_total')).split('\n').at(-1));
      const done = new stage.client.Counter({ name: 'jobs_done', help: 'D.', registers: [registry] });
      stage.record((await registry.getSingleMetricAsString('jobs_done')).split('\n').slice(1));
      done.inc();
    },
    there: [['jobs_total 0'], 'jobs', 'jobs_total 0', ['# TYPE jobs_done counter', 'jobs_done_total 0']],
    here: [['jobs_total 0'], 'jobs_total', 'jobs_total 0', ['# TYPE jobs_done unknown', 'jobs_done 0']],
  },
  {
    name: 'an OpenMetrics exposition without metrics has no blank line',
    because: 'OpenMetrics does not allow one',
    async script(stage) {
      stage.record(await openMetrics(stage).metrics());
    },
    there: ['\n# EOF\n'],
    here: ['# EOF\n'],
  },
  {
    name: '`enableExemplars` works on any registry',
    because: 'the format is negotiated per request, and exemplars are shown if it is OpenMetrics',
    async script({ client, registry, record, attempt }) {
      await attempt(() => {
        const settings = { name: 'a_total', help: 'A.', enableExemplars: true, registers: [registry] };
        new client.Counter(settings).inc({ exemplarLabels: { t: 'a' } } as never);
      });
      record(await samples(registry));
      registry.setContentType(client.openMetricsContentType as never);
      record(await samples(registry));
    },
    there: ['TypeError: Exemplars are supported only on OpenMetrics registries', [], []],
    here: [undefined, ['a_total 1'], ['a_total 1 # {t="a"} 1 1700000000']],
  },
  {
    name: 'an exemplar without labels does not replace the previous one, and undefined labels are left out',
    because: 'a trace that is not sampled has no id, and must not replace one with an id',
    async script(stage) {
      const registry = openMetrics(stage);
      const config = { name: 'a_total', help: 'A.', enableExemplars: true, registers: [registry] };
      const counter = new stage.client.Counter(config);
      const inc = (exemplarLabels: object): void => counter.inc({ exemplarLabels } as never);
      inc({ t: 'a', u: undefined });
      inc({});
      inc({ t: undefined });
      stage.record(await samples(registry));
    },
    there: [['a_total 3 # {t="undefined"} 1 1700000000']],
    here: [['a_total 3 # {t="a"} 1 1700000000']],
  },
  {
    name: 'exemplars work on held children, and with enableExemplars a plain number is counted too',
    because: 'the types allow both calls',
    async script(stage) {
      const registry = openMetrics(stage);
      const config = { help: 'A.', labelNames: ['x'], enableExemplars: true, registers: [registry] };
      const counter = new stage.client.Counter({ name: 'a_total', ...config });
      counter.inc(5);
      await stage.attempt(() => counter.labels('1').inc({ value: 2, exemplarLabels: { t: 'b' } } as never));
      const histogram = new stage.client.Histogram({ name: 'b', buckets: [], ...config });
      await stage.attempt(() => histogram.labels('1').observe({ value: 2, exemplarLabels: { t: 'c' } } as never));
      stage.record(await samples(registry));
    },
    there: [
      undefined,
      "TypeError: Value is not a valid number: { value: 2, exemplarLabels: { t: 'c' } }",
      ['a_total 2'],
    ],
    here: [
      undefined,
      undefined,
      [
        'a_total 5',
        'a_total{x="1"} 2 # {t="b"} 2 1700000000',
        'b_bucket{le="+Inf",x="1"} 1 # {t="c"} 2 1700000000',
        'b_sum{x="1"} 2',
        'b_count{x="1"} 1',
      ],
    ],
  },
  {
    name: 'a collect() that throws removes its own metric from the scrape, and no other',
    because: 'one mistake must not hide all other metrics',
    async script({ client, registry, attempt }) {
      const collect = (): never => {
        throw new Error('out of order');
      };
      new client.Gauge({ name: 'a_thrower', help: 'A.', registers: [registry], collect }).set(1);
      new client.Gauge({ name: 'b', help: 'B.', registers: [registry] }).set(2);
      await attempt(() => registry.metrics());
    },
    there: ['Error: out of order'],
    here: ['# HELP b B.\n# TYPE b gauge\nb 2\n'],
  },
  {
    name: 'a misspelled aggregator is refused at once',
    because: 'in a cluster it would be an uncaught exception in the primary, at the first scrape',
    async script({ client, attempt }) {
      await attempt(() => void new client.Gauge({ name: 'a', help: 'A.', registers: [], aggregator: 'avg' as never }));
    },
    there: [undefined],
    here: ['PromMultiprocError: aggregator "avg" is not known: it is one of sum, max, min, average, first, omit'],
  },
  {
    name: 'labels() of a counter refuses undeclared labels at once',
    because: 'the other metrics do so too',
    async script({ client, attempt }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [] });
      await attempt(() => counter.labels({ y: '1' } as never) && 'a child');
    },
    there: ['a child'],
    here: [`Error: Added label "y" is not included in initial labelset: [ 'x' ]`],
  },
  {
    name: 'a metric whose constructor throws is not registered',
    because: 'its name would belong to an incomplete metric',
    async script({ client, registry, attempt, record }) {
      await attempt(
        () => new client.Summary({ name: 'a', help: 'A.', labelNames: ['quantile'], registers: [registry] }),
      );
      record(registry.getMetricsAsArray().length);
    },
    there: ['Error: quantile is a reserved label keyword', 1],
    here: ['Error: quantile is a reserved label keyword', 0],
  },
  {
    name: 'the error for a missing metric names it',
    because: 'a TypeError about undefined does not show the mistake',
    async script({ registry, attempt }) {
      await attempt(() => registry.getSingleMetricAsString('a'));
    },
    there: [`TypeError: Cannot read properties of undefined (reading 'getForPromString')`],
    here: [`PromMultiprocError: no metric with the name 'a' is registered`],
  },
  {
    name: 'quantiles are within 1 % of observed values',
    because: 'a sketch that merges over processes counts values in bins, and does not interpolate',
    async script({ client, registry, record }) {
      const summary = new client.Summary({ name: 'a', help: 'A.', percentiles: [0.5], registers: [registry] });
      summary.observe(1);
      summary.observe(3);
      record((await samples(registry))[0]);
    },
    there: ['a{quantile="0.5"} 2'],
    here: ['a{quantile="0.5"} 1.009901778953003'],
  },
  {
    name: 'a value above all buckets is not counted in a bucket -1',
    because: 'prom-client uses -1 as the index above all buckets',
    async script({ client, registry, record }) {
      new client.Histogram({ name: 'a', help: 'A.', buckets: [-1], registers: [registry] }).observe(5);
      record((await samples(registry))[0]);
    },
    there: ['a_bucket{le="-1"} 1'],
    here: ['a_bucket{le="-1"} 0'],
  },
  {
    name: 'zero() refuses undeclared labels at once',
    because: 'the other methods do so too',
    async script({ client, registry, attempt }) {
      const histogram = new client.Histogram({ name: 'a', help: 'A.', buckets: [], registers: [registry] });
      await attempt(() => histogram.zero({ y: '1' }));
    },
    there: [undefined],
    here: ['Error: Added label "y" is not included in initial labelset: []'],
  },
  {
    name: 'invalid buckets and percentiles are refused at once',
    because: 'prom-client prints lines that no scraper accepts',
    async script({ client, attempt }) {
      const config = { name: 'a', help: 'A.', registers: [] };
      await attempt(() => void new client.Histogram({ ...config, buckets: ['1 s'] as never }));
      await attempt(() => void new client.Summary({ ...config, percentiles: [99] }));
    },
    there: [undefined, undefined],
    here: [
      "PromMultiprocError: the bucket '1 s' is no upper bound: give finite numbers (a bucket +Inf is always there)",
      'PromMultiprocError: the percentile 99 is not in [0, 1]: 0.99 is the value that 99 % of all values are below',
    ],
  },
  {
    name: 'an inherited label is printed',
    because: 'prom-client keeps two series, and prints both without the label',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      counter.inc(Object.create({ x: 'inherited' }) as object);
      counter.inc({}, 2);
      record(await samples(registry));
    },
    there: [['a 1', 'a 2']],
    here: [['a{x="inherited"} 1', 'a 2']],
  },
  {
    name: 'default labels do not replace existing labels, even empty ones',
    because: 'objects and the exposition must show the same',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      counter.inc({ x: '' });
      registry.setDefaultLabels({ x: 'default' });
      record(await samples(registry));
      record((await registry.getMetricsAsJSON())[0].values[0].labels);
    },
    there: [['a{x=""} 1'], { x: 'default' }],
    here: [['a{x=""} 1'], { x: '' }],
  },
  {
    name: 'quotation marks in a help text are escaped in OpenMetrics',
    because: 'the grammar of the format requires it',
    async script(stage) {
      const registry = openMetrics(stage);
      new stage.client.Gauge({ name: 'a', help: 'A "b".', registers: [registry] });
      stage.record((await registry.metrics()).split('\n')[0]);
    },
    there: ['# HELP a A "b".'],
    here: ['# HELP a A \\"b\\".'],
  },
  {
    name: 'a collect() that is still running is not started again by another reader',
    because: 'slow callbacks would pile up behind each other',
    async script({ client, registry, record }) {
      let runs = 0;
      const collect = async (): Promise<void> => {
        runs++;
        await Promise.resolve();
      };
      new client.Gauge({ name: 'a', help: 'A.', registers: [registry], collect });
      await Promise.all([registry.metrics(), registry.metrics()]);
      record(runs);
    },
    there: [2],
    here: [1],
  },
  {
    name: 'a series with an empty label and one without the label are the same',
    because: 'Prometheus treats an empty label as absent, and refuses a duplicate series',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x', 'y'], registers: [registry] });
      counter.inc({ x: '', y: '1' });
      counter.inc({ y: '1' }, 2);
      counter.labels('', '1').inc(4);
      record(await samples(registry));
    },
    there: [['a{x="",y="1"} 5', 'a{y="1"} 2']],
    here: [['a{x="",y="1"} 7']],
  },
  {
    name: 'a label with the name __name__ is refused',
    because: 'it is the name of the metric',
    async script({ client, registry, attempt }) {
      const config = { name: 'a', help: 'A.', labelNames: ['__name__'], registers: [registry] };
      await attempt(() => void new client.Counter(config));
      await attempt(() => registry.setDefaultLabels({ __name__: 'b' }));
    },
    there: [undefined, undefined],
    here: ['Error: Invalid label name', 'Error: Invalid label name'],
  },
  {
    name: 'default labels with invalid names are refused',
    because: 'no scraper accepts an exposition with such labels',
    async script({ registry, attempt }) {
      await attempt(() => registry.setDefaultLabels({ 'app-name': 'shop' }));
    },
    there: [undefined],
    here: ['Error: Invalid label name'],
  },
  {
    name: 'of two metrics whose lines have the same name, the last one is shown',
    because: 'scrapers refuse an exposition with a duplicate series',
    async script({ client, registry, record }) {
      new client.Histogram({ name: 'a', help: 'A.', buckets: [], registers: [registry] });
      new client.Gauge({ name: 'a_count', help: 'B.', registers: [registry] }).set(7);
      record(await samples(registry));
    },
    there: [['a_bucket{le="+Inf"} 0', 'a_sum 0', 'a_count 0', 'a_count 7']],
    here: [['a_count 7']],
  },
  {
    name: 'a counter ignores NaN',
    because: 'the sum over processes would be NaN, even after their death',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      counter.inc({ x: '1' }, 5);
      counter.inc({ x: '1' }, NaN);
      counter.labels('1').inc(NaN);
      counter.inc({ x: '2' }, NaN);
      record(await samples(registry));
    },
    there: [['a{x="1"} Nan', 'a{x="2"} Nan']],
    here: [['a{x="1"} 5', 'a{x="2"} 0']],
  },
  {
    name: 'a value that would make a counter or the sum of a histogram infinite is not counted',
    because: 'the sum over all processes would be infinite for ever',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', registers: [registry] });
      for (const value of [1e308, 1e308, 1]) counter.inc(value);
      const histogram = new client.Histogram({ name: 'b', help: 'B.', buckets: [], registers: [registry] });
      for (const value of [1e308, 1e308, 1]) histogram.observe(value);
      record(await samples(registry));
    },
    there: [['a +Inf', 'b_bucket{le="+Inf"} 3', 'b_sum +Inf', 'b_count 3']],
    here: [['a 1e+308', 'b_bucket{le="+Inf"} 2', 'b_sum 1e+308', 'b_count 2']],
  },
  {
    name: 'a counter ignores an empty string and false',
    because: 'prom-client then prints +Inf',
    async script({ client, registry, record }) {
      const counter = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'], registers: [registry] });
      counter.inc({ x: '1' }, '' as never);
      counter.inc({ x: '2' }, false as never);
      record(await samples(registry));
    },
    there: [['a{x="1"} +Inf', 'a{x="2"} +Inf']],
    here: [['a{x="1"} 0', 'a{x="2"} 0']],
  },
  {
    name: 'process_cpu_seconds_total is the CPU time since the start of the process',
    because: 'threads that register it at different times would otherwise count different parts of the same time',
    async script({ client, registry, record }) {
      const { user, system } = process.cpuUsage();
      client.collectDefaultMetrics({ register: registry });
      const text = await registry.getSingleMetricAsString('process_cpu_user_seconds_total');
      const total = await registry.getSingleMetricAsString('process_cpu_seconds_total');
      record(/_total \d/.test(text) && Number(/^\w+ (.+)$/m.exec(total)?.[1]) >= (user + system) / 1e6);
    },
    there: [false],
    here: [true],
  },
];

describe('Differences from prom-client', () => {
  for (const { name, because, script, there, here } of DIFFERENCES) {
    it(`${name}: ${because}`, async (t) => {
      t.mock.method(console, 'warn', () => {});
      assert.deepEqual(await transcript(promClient, script), there, 'prom-client');
      assert.deepEqual(await transcript(promMultiproc, script), here, 'prom-multiproc');
    });
  }
});
