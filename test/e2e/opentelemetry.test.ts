import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { MultiprocessCollector } from 'prom-multiproc';
import { scrape, startCluster, written } from '../support/cluster.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { withTempDir } from '../support/temp-dir.js';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const TRACE = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };

test('workers that see attributes in different orders count in the same series, with exemplars, before and after a SIGKILL and a fold', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const [at, worker] of workers.entries()) {
    await worker.run(
      ({ require: load }, isFirst, ids) => {
        const { ROOT_CONTEXT, trace } = load('@opentelemetry/api');
        const { MeterProvider } = load('prom-multiproc/otel');
        const meter = new MeterProvider({ scopeLabels: false }).getMeter('m');
        const hits = meter.createCounter('hits');
        if (isFirst) hits.add(1);
        hits.add(2, isFirst ? { 'http.route': '/' } : { code: 200 });
        hits.add(4, { code: 200, 'http.route': '/' });
        const span = { traceId: ids.trace_id, spanId: ids.span_id, traceFlags: 1 };
        hits.add(8, { 'http.route': '/', code: '200' }, trace.setSpanContext(ROOT_CONTEXT, span));
        meter.createUpDownCounter('active').add(3);
      },
      at === 0,
      TRACE,
    );
  }
  const exemplar = `{trace_id="${TRACE.trace_id}",span_id="${TRACE.span_id}"} 8`;
  const assertShown = async (active: number): Promise<void> => {
    const text = (await scrape(primary, 'openmetrics')).replaceAll(/(\} 8) [\d.]+$/gm, '$1');
    const lines = text.split('\n').filter((line) => /^(hits_total|active)/.test(line));
    assert.deepEqual(lines.toSorted(), [
      `active ${active}`,
      'hits_total 1',
      `hits_total{code="200",http_route="/"} 24 # ${exemplar}`,
      'hits_total{code="200"} 2',
      'hits_total{http_route="/"} 2',
    ]);
    assert.match(text, /^prom_multiproc_conflicting_families\{reason="labels"\} 0$/m);
  };
  await assertShown(6);
  await written();
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, fold: false });
  t.after(() => collector.close());
  const families = decodeProtobuf((await collector.metrics({ accept: PROTOBUF })).body);
  const shown = families.flatMap(({ samples }) => samples.flatMap(({ exemplar: found }) => found ?? []));
  assert.deepEqual(
    shown.map(({ labels, value }) => [{ ...labels }, value]),
    [[TRACE, 8]],
  );

  process.kill(workers[0].pid, 'SIGKILL');
  await workers[0].ended;
  await assertShown(3);
  foldDirectory(dir);
  await assertShown(3);
});
