/** Receivers that do not do what they should. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Counter, Gauge, Histogram, register, Summary } from 'prom-multiproc';
import { type PushOptions, type RunningPush, startPush } from 'prom-multiproc/push';
import type { PushFigures } from '../../src/directory/push-record.js';
import type { Sample } from '../../src/model/metric-family.js';
import { Otlp } from '../../src/push/otlp.js';
import { TimeSlices } from '../../src/time-slices.js';
import { PUSH_TARGETS } from '../../src/push/push-targets.js';
import type { Message, Outcome, PushTarget } from '../../src/push/push-target.js';
import { SendQueue } from '../../src/push/send-queue.js';
import { afterTest } from '../support/after-test.js';
import { TestAuthority } from '../support/certificates.js';
import { collectGarbage } from '../support/garbage.js';
import { needs } from '../support/needs.js';
import { until } from '../support/program.js';
import {
  attributesOf,
  decodeOtlp,
  decodeRemoteWrite,
  isTwo,
  partialSuccess,
  type PushReceiver,
  startPushReceiver,
} from '../support/push-receiver.js';
import { withTempDir } from '../support/temp-dir.js';

const INTERVAL_MS = 100;

function startFor(t: TestContext, options: PushOptions): RunningPush {
  const push = startPush({ intervalMs: INTERVAL_MS, ...options });
  afterTest(t, () => push.close());
  return push;
}

/** Counts in memory, in the default registry of this process. */
function withCounter(t: TestContext, name = 'jobs_total'): Counter {
  afterTest(t, () => register.clear());
  return new Counter({ name, help: 'Jobs done.', labelNames: ['kind'] });
}

function lastOf(receiver: PushReceiver, name: string): ReturnType<typeof decodeRemoteWrite>[number] | undefined {
  return receiver.requests.flatMap(decodeRemoteWrite).findLast((sample) => sample.name === name);
}

test('a receiver of remote write 2.0 gets labels, creation, help and a stale marker when the push ends', async (t) => {
  const jobs = withCounter(t);
  jobs.inc({ kind: 'mail' }, 3);
  const receiver = await startPushReceiver(t);
  const push = startFor(t, { remoteWrite: { url: `${receiver.url}/write` }, labels: { job: 'app', kind: 'other' } });
  const { createdAt, timestamp, ...sample } = await until(() => lastOf(receiver, 'jobs_total'));
  assert.deepEqual(sample, {
    name: 'jobs_total',
    labels: { job: 'app', kind: 'mail' },
    value: 3,
    isStale: false,
    help: 'Jobs done.',
  });
  assert.ok(Math.abs(Date.now() - timestamp) < 60_000 && createdAt! <= timestamp);
  await push.close();
  assert.equal(lastOf(receiver, 'jobs_total')!.isStale, true);
  assert.ok(receiver.requests.every(isTwo));
});

test('a series that vanishes gets one stale marker', async (t) => {
  const jobs = withCounter(t);
  jobs.inc({ kind: 'mail' });
  jobs.inc({ kind: 'sms' });
  const receiver = await startPushReceiver(t);
  startFor(t, { remoteWrite: { url: receiver.url } });
  await until(() => lastOf(receiver, 'jobs_total'));
  jobs.remove({ kind: 'sms' });
  const ofSms = (): boolean[] =>
    receiver.requests
      .flatMap(decodeRemoteWrite)
      .filter(({ labels }) => labels.kind === 'sms')
      .map(({ isStale }) => isStale);
  await until(() => ofSms().at(-1));
  const before = receiver.requests.length;
  await until(() => receiver.requests.length > before + 2);
  assert.equal(ofSms().filter(Boolean).length, 1);
});

test('a receiver that knows only remote write 1.0 gets 1.0, and what it confirms by silence is not taken for written', async (t) => {
  withCounter(t).inc({ kind: 'mail' });
  for (const refusal of [415, 400, 204]) {
    const receiver = await startPushReceiver(t);
    receiver.respond = (request, response) => {
      if (isTwo(request)) response.writeHead(refusal).end();
      return isTwo(request);
    };
    startFor(t, { remoteWrite: { url: receiver.url } });
    await until(() => receiver.requests.some((request) => !isTwo(request)));
    assert.equal(lastOf(receiver, 'jobs_total')?.value, 1, `${refusal}`);
    assert.equal(receiver.requests.filter(isTwo).length, 1);
  }
});

test(
  'credentials, headers and TLS reach the receiver, and a token is read again for every request',
  needs('openssl'),
  async (t) => {
    withCounter(t).inc({ kind: 'mail' });
    const dir = withTempDir(t);
    const authority = new TestAuthority(dir);
    const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1');
    const receiver = await startPushReceiver(t, '127.0.0.1', { cert, key });
    const bearerTokenFile = join(dir, 'token');
    writeFileSync(bearerTokenFile, 'first\n');
    const tls = { ca: authority.cert };
    startFor(t, { otlp: { url: receiver.url, tls, bearerTokenFile, headers: { 'x-scope-orgid': 'a' } } });
    await until(() => receiver.requests.some(({ headers }) => headers.authorization === 'Bearer first'));
    writeFileSync(bearerTokenFile, 'second\n');
    await until(() => receiver.requests.some(({ headers }) => headers.authorization === 'Bearer second'));
    assert.equal(receiver.requests[0].headers['x-scope-orgid'], 'a');
    startFor(t, { remoteWrite: { url: receiver.url, tls, basicAuth: { username: 'u', password: 'p' } } });
    await until(() => receiver.requests.some(({ headers }) => headers.authorization === `Basic ${btoa('u:p')}`));
  },
);

test('a client certificate and the file of a password reach the receiver', needs('openssl'), async (t) => {
  withCounter(t).inc({ kind: 'mail' });
  const dir = withTempDir(t);
  const authority = new TestAuthority(dir);
  const ca = authority.cert;
  const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1');
  const receiver = await startPushReceiver(t, '127.0.0.1', { cert, key, ca, requestCert: true });
  const stranger = PUSH_TARGETS.otlp.open({ url: receiver.url, tls: { ca } }, {});
  const outcome = await stranger.send({ body: Buffer.alloc(1), samples: 1 }, new AbortController().signal);
  assert.equal(outcome.result, 'failed');
  const own = authority.issue('client', 'DNS:client');
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, 'first\n');
  const basicAuth = { username: 'u', passwordFile };
  startFor(t, { otlp: { url: receiver.url, tls: { ca, cert: own.cert, key: own.key }, basicAuth } });
  const got = (password: string): boolean =>
    receiver.requests.some(({ headers }) => headers.authorization === `Basic ${btoa(`u:${password}`)}`);
  await until(() => got('first'));
  writeFileSync(passwordFile, 'second\n');
  await until(() => got('second'));
});

test('an OTLP receiver decodes counters, gauges, histograms and summaries, and their end', async (t) => {
  withCounter(t).inc({ kind: 'mail' }, 3);
  new Gauge({ name: 'depth', help: 'Depth.' }).set(-1.5);
  new Histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [0.1, 1], enableExemplars: true }).observe({
    labels: {},
    value: 0.5,
    exemplarLabels: { trace_id: '0123456789abcdef0123456789abcdef', span_id: '0123456789abcdef', tenant: 'a' },
  });
  new Summary({ name: 'size', help: 'Sizes.', percentiles: [0.5] }).observe(2);
  const receiver = await startPushReceiver(t);
  const push = startFor(t, { otlp: { url: `${receiver.url}/v1/metrics` }, labels: { job: 'app', zone: 'b' } });
  await until(() => receiver.requests.length > 0);
  assert.equal(receiver.requests[0].path, '/v1/metrics');
  const metrics = new Map(decodeOtlp(receiver.requests[0]).map((metric) => [metric.name, metric]));
  const { sum, resource, description } = metrics.get('jobs_total')!;
  assert.deepEqual([sum!.isMonotonic, sum!.aggregationTemporality, description], [true, 2, 'Jobs done.']);
  assert.deepEqual(resource, { 'service.name': 'app', zone: 'b' });
  const [count] = sum!.dataPoints;
  assert.deepEqual([attributesOf(count), count.asDouble], [{ kind: 'mail' }, 3]);
  assert.ok(count.startTimeUnixNano > 1e18 && count.startTimeUnixNano <= count.timeUnixNano);
  assert.equal(metrics.get('depth')!.gauge!.dataPoints[0].asDouble, -1.5);
  const [wait] = metrics.get('wait_seconds')!.histogram!.dataPoints;
  assert.deepEqual([wait.count, wait.sum, wait.bucketCounts, wait.explicitBounds], [1, 0.5, [0, 1, 0], [0.1, 1]]);
  const [exemplar] = wait.exemplars;
  assert.equal(Buffer.from(exemplar.traceId).toString('hex'), '0123456789abcdef0123456789abcdef');
  assert.equal(Buffer.from(exemplar.spanId).toString('hex'), '0123456789abcdef');
  assert.deepEqual(attributesOf({ attributes: exemplar.filteredAttributes }), { tenant: 'a' });
  const [size] = metrics.get('size')!.summary!.dataPoints;
  assert.deepEqual([size.count, size.sum], [1, 2]);
  assert.equal(size.quantileValues[0].quantile, 0.5);
  await push.close();
  const ends = decodeOtlp(receiver.requests.at(-1)!).map(({ name, sum: last }) => [name, last?.dataPoints[0].flags]);
  assert.deepEqual(
    ends.find(([name]) => name === 'jobs_total'),
    ['jobs_total', 1],
  );
});

test('an OTLP receiver decodes native histograms as exponential ones, and those that are too wide at a lower scale', async (t) => {
  afterTest(t, () => register.clear());
  const native = { buckets: [], nativeHistogramBucketFactor: 1.1 };
  const near = new Histogram({ name: 'near', help: 'Near.', ...native });
  for (const value of [-1, 0, 0.9, 1, 1.5]) near.observe(value);
  const far = new Histogram({ name: 'far', help: 'Far.', ...native });
  for (const value of [1e-9, 1e9, 1e9]) far.observe(value);
  const receiver = await startPushReceiver(t);
  startFor(t, { otlp: { url: receiver.url } });
  await until(() => receiver.requests.length > 0);
  const points = new Map(
    decodeOtlp(receiver.requests[0]).map((metric) => [metric.name, metric.exponentialHistogram?.dataPoints[0]]),
  );
  const { scale, count, sum, zeroCount: zeros, positive, negative } = points.get('near');
  assert.deepEqual([scale, count, sum, zeros], [3, 5, 2.4, 1]);
  // the bucket (2^(index/8), 2^((index+1)/8)] of 0.9, of 1 and of 1.5
  assert.deepEqual(positive, { offset: -2, bucketCounts: [1, 1, 0, 0, 0, 0, 1] });
  assert.deepEqual(negative, { offset: -1, bucketCounts: [1] });
  const wide = points.get('far');
  assert.ok(wide.scale < 3 && wide.positive.bucketCounts.length <= 320);
  assert.deepEqual(wide.positive.bucketCounts.filter(Boolean), [1, 2]);
  const upper = 2 ** ((wide.positive.offset + 1) / 2 ** wide.scale);
  assert.ok(upper >= 1e-9 && upper / 2 ** (1 / 2 ** wide.scale) < 1e-9);
});

/** A queue before a real receiver. */
function queueFor(t: TestContext, receiver: PushReceiver, maxBytes = 1e6): { queue: SendQueue; log: string[] } {
  const log: string[] = [];
  const target = PUSH_TARGETS.remoteWrite.open({ url: receiver.url, version: '2.0', timeoutMs: 300 }, {});
  const queue = new SendQueue(target, { maxBytes, maxRetries: 2 }, (what, reason) => log.push(`${what}: ${reason}`));
  afterTest(t, async () => {
    await queue.close();
    target.close?.();
  });
  return { queue, log };
}

const message: Message = { body: Buffer.from([0]), samples: 10, version: '2.0' };

const BAD: Readonly<
  Record<string, { respond: PushReceiver['respond']; requests: number; figures: Partial<PushFigures>; log: RegExp }>
> = {
  'responds with 400': {
    respond: (_, response) => Boolean(response.writeHead(400, { 'content-type': 'text/plain' }).end('out of order\n')),
    requests: 1,
    figures: { refused: 10, retries: 0 },
    log: /samples are refused: status 400, out of order/,
  },
  'responds with 500': {
    respond: (_, response) => Boolean(response.writeHead(500).end()),
    requests: 3,
    figures: { failed: 10, retries: 2 },
    log: /given up after 2 more attempts: status 500/,
  },
  hangs: {
    respond: () => true,
    requests: 3,
    figures: { failed: 10, retries: 2 },
    log: /given up after 2 more attempts: no response within 300 ms/,
  },
  'closes the connection': {
    respond: (_, response) => Boolean(response.socket!.destroy()),
    requests: 3,
    figures: { failed: 10, retries: 2 },
    log: /given up after 2 more attempts/,
  },
  redirects: {
    respond: (_, response) => Boolean(response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end()),
    requests: 1,
    figures: { refused: 10 },
    log: /a redirect to http:\/\/127\.0\.0\.1:1\/elsewhere, which is not followed/,
  },
  'writes less than it got': {
    respond: (_, response) =>
      Boolean(response.writeHead(204, { 'x-prometheus-remote-write-samples-written': '7' }).end()),
    requests: 1,
    figures: { sent: 7, refused: 3 },
    log: /wrote 7 of 10 samples/,
  },
};

for (const [what, { respond, requests, figures, log: expected }] of Object.entries(BAD)) {
  test(`a receiver that ${what} costs what it does not take, which is counted, and no more`, async (t) => {
    const receiver = await startPushReceiver(t);
    receiver.respond = respond;
    const { queue, log } = queueFor(t, receiver);
    queue.add(message);
    await queue.drain(30_000);
    assert.equal(receiver.requests.length, requests);
    assert.deepEqual(
      Object.fromEntries(Object.keys(figures).map((name) => [name, queue.figures[name as never]])),
      figures,
    );
    assert.match(log.join('\n'), expected);
    // the next message is sent as if nothing had been
    receiver.respond = (_, response) =>
      Boolean(response.writeHead(204, { 'x-prometheus-remote-write-samples-written': '10' }).end());
    queue.add(message);
    await queue.drain(30_000);
    assert.equal(queue.figures.sent, 10 + (figures.sent ?? 0));
  });
}

test('a receiver that asks for time by 429 and Retry-After gets it, and then the message', async (t) => {
  const receiver = await startPushReceiver(t);
  receiver.respond = (_, response) => {
    if (receiver.requests.length > 1) {
      response.writeHead(204, { 'x-prometheus-remote-write-samples-written': '10' }).end();
    } else response.writeHead(429, { 'retry-after': '1' }).end();
    return true;
  };
  const { queue } = queueFor(t, receiver);
  queue.add(message);
  await queue.drain(30_000);
  const [first, second] = receiver.requests;
  assert.ok(second.at - first.at >= 990, `${second.at - first.at} ms`);
  assert.deepEqual([queue.figures.sent, queue.figures.retries], [10, 1]);
});

test('an OTLP receiver gets a message again only after the statuses that the protocol names', async (t) => {
  const receiver = await startPushReceiver(t);
  const target = PUSH_TARGETS.otlp.open({ url: receiver.url }, {});
  afterTest(t, () => target.close?.());
  const results: Record<number, string> = {};
  for (const status of [400, 429, 500, 502, 503, 504]) {
    receiver.respond = (_, response) => Boolean(response.writeHead(status, { 'retry-after': '2' }).end());
    const outcome = await target.send({ body: Buffer.alloc(1), samples: 1 }, new AbortController().signal);
    results[status] = outcome.result;
    if (outcome.result === 'failed') assert.equal(outcome.afterMs, 2000);
  }
  const failed = 'failed';
  assert.deepEqual(results, { 400: 'refused', 429: failed, 500: 'refused', 502: failed, 503: failed, 504: failed });
});

test('points that an OTLP receiver rejects in a success are counted as refused', async (t) => {
  withCounter(t).inc({ kind: 'mail' });
  const receiver = await startPushReceiver(t);
  receiver.respond = (_, response) => Boolean(response.writeHead(200).end(partialSuccess(2, 'too old')));
  const target = new Otlp({ url: receiver.url }, {});
  afterTest(t, () => target.close());
  const outcome = await target.send({ body: Buffer.alloc(1), samples: 5 }, new AbortController().signal);
  assert.deepEqual(outcome, { result: 'sent', lost: 2, reason: 'too old' });
});

test('a row of the push targets is an option of startPush, and gets the metrics', async (t) => {
  withCounter(t).inc({ kind: 'mail' }, 2);
  const sent: string[] = [];
  const target: PushTarget = {
    destination: 'memory',
    messages: async function* ({ families }) {
      yield { body: Buffer.from(families.map(({ name }) => name).join()), samples: 1 };
    },
    send: ({ body }) => {
      sent.push(Buffer.from(body).toString());
      return Promise.resolve({ result: 'sent' });
    },
  };
  const rows = PUSH_TARGETS as Record<string, unknown>;
  rows.memory = { name: 'memory', created: false, open: () => target };
  afterTest(t, () => void delete rows.memory);
  startFor(t, { memory: {} } as PushOptions);
  assert.equal(await until(() => sent[0]), 'jobs_total');
});

test('many samples, also those of native histograms, become messages of 2,000, between which and within which the event loop turns', async () => {
  const native = { schema: 3, zeroThreshold: 0, zeroCount: 1, positive: [], negative: [] };
  const sample = (at: number): Sample => ({ name: 'wait_count', labels: { at: String(at) }, value: 1, native });
  const samples = Array.from({ length: 5000 }, (_, at) => sample(at));
  const families = [{ name: 'wait', help: 'Waits.', type: 'histogram' as const, samples }];
  for (const open of [
    () => PUSH_TARGETS.remoteWrite.open({ url: 'http://receiver', version: '1.0' }, {}),
    () => PUSH_TARGETS.remoteWrite.open({ url: 'http://receiver', version: '2.0' }, {}),
    () => PUSH_TARGETS.otlp.open({ url: 'http://receiver' }, {}),
  ]) {
    const sizes: number[] = [];
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    let turnsInFirst: number | undefined;
    for await (const { samples: size } of open().messages({ families, time: Date.now() }, new TimeSlices(2))) {
      turnsInFirst ??= turns;
      sizes.push(size);
    }
    clearInterval(turning);
    assert.deepEqual(sizes, [2000, 2000, 1000]);
    assert.ok(turnsInFirst! > 0);
  }
});

test('a full queue drops the oldest messages, counts them, and holds no more bytes than it may', async (t) => {
  const sent: number[] = [];
  let open = false;
  const target: PushTarget = {
    destination: 'nowhere',
    messages: async function* () {},
    send: ({ samples }): Promise<Outcome> => {
      if (open) sent.push(samples);
      return Promise.resolve(
        open ? { result: 'sent' } : { result: 'failed', limited: false, reason: 'connect ECONNREFUSED' },
      );
    },
  };
  const log: string[] = [];
  const queue = new SendQueue(target, { maxBytes: 100_000, maxRetries: 1 }, (what) => log.push(what));
  afterTest(t, () => queue.close());
  const before = process.memoryUsage().arrayBuffers;
  // V8 frees buffers beside the program, a moment after it has collected their objects
  const isFlat = (): boolean => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 200_000;
  };
  for (let at = 1; at <= 20_000; at++) {
    queue.add({ body: Buffer.allocUnsafeSlow(10_000), samples: 1 });
    assert.ok(queue.figures.queueBytes <= 100_000);
    if (at % 1000 === 0) await new Promise(setImmediate);
    if (at % 5000 === 0) await until(isFlat);
  }
  assert.equal(queue.figures.overflowed, 19_990);
  assert.ok(log.includes('the queue is full'));
  open = true;
  await queue.drain(30_000);
  assert.equal(sent.length, 10);
  assert.equal(queue.figures.queueBytes, 0);
});
