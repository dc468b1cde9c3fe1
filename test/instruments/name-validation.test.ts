/** Names of metrics and labels, with and without `nameValidation`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Info, register, Registry, StateSet } from 'prom-multiproc';
import { defaultSource } from '../../src/serve/answer/default-source.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';

const UTF8 = 'text/plain;version=1.0.0;escaping=allow-utf-8';
const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

test('names are those of prom-client unless a metric asks for UTF-8 ones', () => {
  const registers = [new Registry(undefined, { multiprocess: false })];
  const named = (name: string, labelNames: string[], nameValidation?: 'utf8' | 'legacy'): Gauge =>
    new Gauge({ name, help: 'h', labelNames, registers, nameValidation });
  assert.throws(() => named('a.b', []), new Error('Invalid metric name'));
  assert.throws(() => named('a.b', [], 'legacy'), new Error('Invalid metric name'));
  assert.throws(() => named('a', ['x.y']), new Error('Invalid label name'));
  assert.throws(() => named('\ud800', [], 'utf8'), new Error('Invalid metric name'));
  assert.throws(() => named('a', [''], 'utf8'), new Error('Invalid label name'));
  assert.throws(() => named('a', ['__name__'], 'utf8'), new Error('Invalid label name'));
  assert.throws(() => named('a', [], 'UTF8' as never), { code: 'ERR_INVALID_ARGUMENT' });
  named('größe "m²"\n', ['x.y'], 'utf8').set({ 'x.y': 'z' }, 1);
  assert.throws(() => registers[0].getSingleMetric('größe "m²"\n').set({ 'x.z': 'z' }, 1), /Added label "x\.z"/);
});

test('a process that counts in memory serves UTF-8 names, protobuf and named metrics', async (t) => {
  t.after(() => register.clear());
  const shared = { help: 'h', nameValidation: 'utf8' } as const;
  new Counter({ ...shared, name: 'http.requests_total', labelNames: ['http.method'] }).inc({ 'http.method': 'GET' }, 2);
  new StateSet({ ...shared, name: 'node.state', states: ['up', 'down'] }).state('up');
  new Info({ ...shared, name: 'node.build' }).set({ version: '1' });
  new Gauge({ name: 'load', help: 'h' }).set(0.5);

  const text = async (accept: string, names?: readonly string[]): Promise<string[]> => {
    const { body } = await defaultSource.metrics({ accept, names });
    return Buffer.from(body)
      .toString()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  };
  assert.deepEqual(await text(UTF8), [
    '{"http.requests_total","http.method"="GET"} 2',
    '{"node.state","node.state"="up"} 1',
    '{"node.state","node.state"="down"} 0',
    '{"node.build_info",version="1"} 1',
    'load 0.5',
  ]);
  assert.deepEqual(await text('text/plain'), [
    'http_requests_total{http_method="GET"} 2',
    'node_state{node_state="up"} 1',
    'node_state{node_state="down"} 0',
    'node_build_info{version="1"} 1',
    'load 0.5',
  ]);
  assert.deepEqual(await text('text/plain', ['load', 'node.build_info']), [
    'node_build_info{version="1"} 1',
    'load 0.5',
  ]);
  const { body } = await defaultSource.metrics({ accept: PROTOBUF, names: ['http.requests_total'] });
  const [{ name, samples, created }] = decodeProtobuf(body);
  assert.deepEqual([name, samples[0].value], ['http_requests_total', 2]);
  assert.ok(Math.abs(created[0] - Date.now() / 1000) < 60, String(created));
});

test('the pairs of an Info and the labels of exemplars follow the rule of their metric', async (t) => {
  t.after(() => register.clear());
  const shared = { help: 'h', nameValidation: 'utf8' } as const;
  new Info({ ...shared, name: 'node_build' }).set({ 'service.version': '1' });
  const jobs = new Counter({ ...shared, name: 'jobs_total', enableExemplars: true });
  jobs.inc({ value: 1, labels: {}, exemplarLabels: { 'trace.id': 'a', span_id: 'b' } });
  const legacy = { help: 'h', enableExemplars: true } as const;
  assert.throws(
    () => new Info({ ...legacy, name: 'build' }).set({ 'a.b': '1' }),
    /'a\.b' cannot be set as Info: use let/,
  );
  assert.throws(
    () => new Counter({ ...legacy, name: 'other_total' }).inc({ value: 1, labels: {}, exemplarLabels: { 'a.b': 'x' } }),
    /the exemplar label 'a\.b' is not a label name: use letters/,
  );
  assert.throws(
    () => jobs.inc({ value: 1, labels: {}, exemplarLabels: { '': 'x' } }),
    /the exemplar label '' is not a label name: use any characters, but not none/,
  );
  register.removeSingleMetric('build');
  register.removeSingleMetric('other_total');
  const lines = async (escaping: string): Promise<string[]> => {
    const accept = `application/openmetrics-text;version=1.0.0;escaping=${escaping}`;
    const text = Buffer.from((await defaultSource.metrics({ accept })).body).toString();
    return text.split('\n').flatMap((line) => (/^#|^$/.test(line) ? [] : line.replace(/ \d{10}\.?\d*$/, '')));
  };
  assert.deepEqual(await lines('allow-utf-8'), [
    'node_build_info{"service.version"="1"} 1',
    'jobs_total 2 # {"trace.id"="a",span_id="b"} 1',
  ]);
  assert.deepEqual(await lines('underscores'), [
    'node_build_info{service_version="1"} 1',
    'jobs_total 2 # {trace_id="a",span_id="b"} 1',
  ]);
  assert.deepEqual(await lines('dots'), [
    'node__build_info{service_dot_version="1"} 1',
    'jobs__total 2 # {trace_dot_id="a",span_id="b"} 1',
  ]);
});
