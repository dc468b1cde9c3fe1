import assert from 'node:assert/strict';
import { test } from 'node:test';

/** The page's own modules: those without a browser in them run here as they do there. */
const history = import('../../../src/serve/status/client/history.mjs');
const format = import('../../../src/serve/status/client/format.mjs');

test('rates are per second between two looks; what is new or has fallen has none', async () => {
  const { Rates } = await history;
  const rates = new Rates();
  assert.deepEqual([...rates.of(100, [{ name: 'a', value: 10 }])], [['a', null]]);
  const second = rates.of(102, [
    { name: 'a', value: 14 },
    { name: 'b', value: 5 },
  ]);
  assert.deepEqual(
    [...second],
    [
      ['a', 2],
      ['b', null],
    ],
  );
  assert.deepEqual([...rates.of(104, [{ name: 'a', value: 1 }])], [['a', null]]);
});

test('a look that comes soon after another makes no peak: its rate is over two seconds', async () => {
  const { Rates } = await history;
  const rates = new Rates();
  const at = (time: number, value: number): number | null => rates.of(time, [{ name: 'a', value }]).get('a')!;
  // those that the server has kept, every 5 s, and then the first two of the page
  const shown = [at(100, 0), at(105, 50), at(105.25, 54), at(105.5, 57), at(107.5, 77)];
  assert.deepEqual(shown, [null, 10, 54 / 5.25, 57 / 5.5, 10]);
});

test('the samples that the server has kept have the names and bounds of the ones before', async () => {
  const { recordedSamples } = await history;
  const recorded = [
    { time: 1, names: ['a'], values: [1] },
    { time: 2, values: [2] },
    { time: 3, names: ['a', 'b'], values: [3, 4], bounds: [1, 2], counts: [0, 1, 2] },
    { time: 4, values: [5, 6], counts: [1, 1, 2] },
  ];
  assert.deepEqual(recordedSamples(recorded), [
    { time: 1, lines: [{ name: 'a', value: 1 }] },
    { time: 2, lines: [{ name: 'a', value: 2 }] },
    {
      time: 3,
      lines: [
        { name: 'a', value: 3 },
        { name: 'b', value: 4 },
      ],
      buckets: { bounds: [1, 2], counts: [0, 1, 2] },
    },
    {
      time: 4,
      lines: [
        { name: 'a', value: 5 },
        { name: 'b', value: 6 },
      ],
      buckets: { bounds: [1, 2], counts: [1, 1, 2] },
    },
  ]);
});

test('lines begin and end with gaps, and those of long ago are forgotten', async () => {
  const { HISTORY_SECONDS, LineHistory } = await history;
  const lines = new LineHistory();
  lines.add(0, new Map([['a', 1]]));
  lines.add(2, new Map([['b', 2]]));
  assert.deepEqual(lines.times, [0, 2]);
  assert.deepEqual(
    [lines.valuesOf('a'), lines.valuesOf('b')],
    [
      [1, null],
      [null, 2],
    ],
  );
  lines.add(HISTORY_SECONDS + 1, new Map([['b', 3]]));
  assert.deepEqual(lines.names, ['b']);
  assert.deepEqual(
    [lines.times, lines.valuesOf('b')],
    [
      [2, HISTORY_SECONDS + 1],
      [2, 3],
    ],
  );
});

test('quantiles are those of histogram_quantile, of what was observed since the first look', async () => {
  const { BucketHistory } = await history;
  const buckets = new BucketHistory();
  const bounds = [1, 2, 4];
  buckets.add(0, { bounds, counts: [1000, 0, 0, 0] });
  assert.deepEqual(buckets.times, []);
  buckets.add(2, { bounds, counts: [1000, 50, 0, 0] });
  assert.deepEqual(Object.fromEntries(buckets.quantiles()), { p50: 1.5, p90: 1.9, p99: 1.99 });
  buckets.add(4, { bounds, counts: [1000, 50, 40, 10] });
  assert.deepEqual(Object.fromEntries(buckets.quantiles()), { p50: 2, p90: 4, p99: 4 });

  const others = new BucketHistory();
  others.add(0, { bounds: [], counts: [1] });
  others.add(2, { bounds: [], counts: [1] });
  assert.deepEqual(Object.fromEntries(others.quantiles()), { p50: null, p90: null, p99: null });
});

test('a histogram that gets further buckets below and above keeps its history', async () => {
  const { BucketHistory } = await history;
  const buckets = new BucketHistory();
  buckets.add(0, { bounds: [1, 2], counts: [0, 5, 0] });
  buckets.add(2, { bounds: [1, 2], counts: [0, 6, 0] });
  buckets.add(4, { bounds: [0.5, 1, 2, 4, 8], counts: [0, 2, 6, 0, 1, 0] });
  assert.deepEqual(buckets.times, [2, 4]);
  assert.deepEqual(buckets.increments, [
    [0, 0, 1, 0, 0, 0],
    [0, 2, 0, 0, 1, 0],
  ]);
});

test('other bounds begin a new history, and fewer observations than before are none', async () => {
  const { BucketHistory } = await history;
  const buckets = new BucketHistory();
  buckets.add(0, { bounds: [1], counts: [5, 5] });
  buckets.add(2, { bounds: [1], counts: [2, 6] });
  assert.deepEqual(buckets.increments, [[0, 1]]);
  buckets.add(4, { bounds: [1, 2], counts: [2, 6, 0] });
  assert.deepEqual(buckets.increments, []);
});

test('values are shown in the unit that the name of the metric ends with', async () => {
  const { age, bytes, metricValue } = await format;
  const shown = [
    metricValue(0.0213, 'request_seconds', false),
    metricValue(0.5, 'cpu_seconds_total', true),
    metricValue(1536, 'heap_bytes', false),
    metricValue(3 * 1024 ** 2, 'sent_bytes_total', true),
    metricValue(12_345, 'requests_total', true),
    metricValue(-0.25, 'offset', false),
    metricValue(null, 'anything', false),
  ];
  assert.deepEqual(shown, ['21.3 ms', '0.5/s', '1.5 KiB', '3 MiB/s', '12.3 k/s', '-0.25', '–']);
  assert.deepEqual([bytes(0), bytes(1023), bytes(1024 ** 4 * 5000)], ['0 B', '1023 B', '5000 TiB']);
  assert.deepEqual(
    [age(-1), age(59.9), age(61), age(7300), age(200_000), age(NaN)],
    ['0 s', '59 s', '1 min 1 s', '2 h 1 min', '2 d 7 h', '–'],
  );
});
