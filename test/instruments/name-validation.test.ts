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
