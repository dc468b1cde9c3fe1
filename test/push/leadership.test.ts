/** Many processes that could push, of which one does. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startPush } from 'prom-multiproc/push';
import { PushLock } from '../../src/directory/push-lock.js';
import { NO_FIGURES, writePushRecord } from '../../src/directory/push-record.js';
import { Leadership } from '../../src/push/leadership.js';
import { afterTest } from '../support/after-test.js';
import { TestAuthority } from '../support/certificates.js';
import { collectorOf } from '../support/collector.js';
import { linesOf, type Member, scrape, startCluster } from '../support/cluster.js';
import { needs } from '../support/needs.js';
import { startCli, startProgram, until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { pushFrom, recordOf, withLock } from '../support/push-leader.js';
import { decodeOtlp, decodeRemoteWrite, isTwo, startPushReceiver } from '../support/push-receiver.js';
import { withTempDir } from '../support/temp-dir.js';

// These tests are about the lock of the leader, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

async function count(members: readonly Member[], times: number): Promise<void> {
  for (const member of members) {
    await member.run(({ prom, kept }, n) => {
      kept.jobs ??= new prom.Counter({ name: 'jobs_total', help: 'Jobs.' });
      kept.jobs.inc(n);
    }, times);
  }
}

test(
  'a leader that is killed is followed within an interval, and increase() over the change is what was counted',
  needs('prometheus 3'),
  async (t) => {
    const prometheus = await startPrometheus(
      t,
      withTempDir(t),
      { global: {} },
      {
        version: 3,
        flags: ['--web.enable-remote-write-receiver', '--enable-feature=created-timestamp-zero-ingestion'],
      },
    );
    const dir = withTempDir(t);
    const { workers } = await startCluster(t, dir, 3);
    await count(workers, 1);
    // longer than the delays of a busy machine, so that two intervals are not taken for one
    const intervalMs = 1500;
    await pushFrom(workers, { remoteWrite: { url: `${prometheus.url}/api/v1/write` }, intervalMs });
    const first = await until(() => recordOf(dir));
    await until(async () => (await prometheus.value('jobs_total')) === 3);
    const beforeKill = (await prometheus.value('timestamp(jobs_total)'))!;
    const leader = workers.find(({ pid }) => pid === first.pid)!;
    const others = workers.filter((worker) => worker !== leader);
    await count(workers, 10);
    await leader.kill();
    const killedAt = performance.now();
    await until(() => recordOf(dir)!.leader !== first.leader);
    const passed = performance.now() - killedAt;
    assert.ok(passed < 2 * intervalMs - 200, `${passed} ms`);
    await count(others, 100);
    await until(async () => (await prometheus.value('jobs_total')) === 233);
    // one series, since its labels do not name the leader; its samples never fall
    assert.equal(await prometheus.value('count({__name__="jobs_total"})'), 1);
    assert.equal(await prometheus.value('resets(jobs_total[5m])'), 0);
    assert.equal(await prometheus.value('max_over_time(jobs_total[5m]) - min_over_time(jobs_total[5m])'), 233);
    // at the time of a sample, of a series that began at 0, increase() extrapolates nothing
    const last = (await prometheus.value('timestamp(jobs_total)'))!;
    assert.equal(await prometheus.value('increase(jobs_total[5m])', last), 233);
    // from the last sample before the kill: increase() adds the millisecond by which the range has to begin before that
    const rangeMs = Math.round((last - beforeKill) * 1000) + 1;
    const increase = (await prometheus.value(`increase(jobs_total[${rangeMs}ms])`, last))!;
    assert.ok(Math.abs(increase * (1 - 1 / rangeMs) - 230) < 1e-6, `${increase} in ${rangeMs} ms`);
    const { sentAt, figures } = recordOf(dir)!;
    assert.ok(sentAt > first.sentAt);
    assert.equal(figures.refused, 0);
    assert.ok(figures.sent > first.figures.sent, 'the figures go on where the leader before left them');
  },
);

test('the last orderly end marks the series as stale, and an end before others does not', async (t) => {
  const receiver = await startPushReceiver(t);
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 2);
  await count(workers, 1);
  await pushFrom(workers, { remoteWrite: { url: receiver.url } });
  const first = await until(() => recordOf(dir));
  const leader = workers.find(({ pid }) => pid === first.pid)!;
  const other = workers.find((worker) => worker !== leader)!;
  const stale = (): number => receiver.requests.flatMap(decodeRemoteWrite).filter(({ isStale }) => isStale).length;
  const end = ({ kept }: { kept: Record<string, any> }): Promise<void> => kept.push.close();
  await leader.run(end);
  await until(() => recordOf(dir)!.leader !== first.leader);
  assert.equal(stale(), 0);
  await other.run(end);
  assert.ok(stale() > 0);
  assert.equal(recordOf(dir)!.hasEnded, true);
  const times = receiver.requests.flatMap(decodeRemoteWrite).filter(({ name }) => name === 'jobs_total');
  assert.deepEqual(
    times.map(({ timestamp }) => timestamp),
    times.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b),
  );
});

test('a receiver that is away fills the queue up to its bound, and a scrape shows what was dropped', async (t) => {
  const receiver = await startPushReceiver(t);
  receiver.respond = (request, response) => isTwo(request) && Boolean(response.writeHead(503).end());
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir, 1);
  await count(workers, 1);
  const maxQueueBytes = 5000;
  const remoteWrite = { url: receiver.url, version: '2.0' as const };
  await pushFrom(workers, { remoteWrite, intervalMs: 100, maxQueueBytes, maxRetries: 1000 });
  await until(() => (recordOf(dir)?.figures.overflowed ?? 0) > 500);
  const { figures } = recordOf(dir)!;
  assert.ok(figures.queueBytes > 0 && figures.queueBytes <= maxQueueBytes, `${figures.queueBytes} bytes`);
  assert.equal(figures.sent, 0);
  const text = await scrape(primary);
  assert.match(text, /^prom_multiproc_push_lost_samples_total\{.*reason="queue_full".*\} [1-9]\d\d/m);
  assert.match(workers[0].output, /the queue is full/);
  receiver.respond = () => false;
  await until(() => recordOf(dir)!.figures.sent > 0);
});

test('a directory on a network file system is pushed with labels only', (t) => {
  const dir = withTempDir(t);
  const NFS = 0x6969;
  t.mock.method(fs, 'statfsSync', () => ({ type: NFS }));
  const options = { dir, textfile: { path: join(dir, 'app.prom') } };
  assert.throws(() => startPush(options), { code: 'ERR_INVALID_ARGUMENT', message: /give the option labels/ });
  const push = startPush({ ...options, labels: { host: 'a' } });
  afterTest(t, () => push.close());
});

test('a leader that is stopped is not replaced: the others warn, and a scrape shows push_stalled', async (t) => {
  const receiver = await startPushReceiver(t);
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir, 2);
  await count(workers, 1);
  await pushFrom(workers, { remoteWrite: { url: receiver.url }, intervalMs: 200 });
  await until(() => recordOf(dir) !== undefined && recordOf(dir)!.figures.sent > 0);
  const first = recordOf(dir)!;
  assert.match(await scrape(primary), /^prom_multiproc_push_stalled\{target="remote_write"\} 0$/m);
  process.kill(first.pid, 'SIGSTOP');
  afterTest(t, () => void process.kill(first.pid, 'SIGCONT'));
  await until(() => /process \d+ of .* leads and has sent nothing for/.test(primary.output));
  const text = await until(async () => {
    const shown = await scrape(primary);
    return linesOf(shown, 'prom_multiproc_push_stalled')[0].endsWith(' 1') && shown;
  });
  assert.equal(recordOf(dir)!.leader, first.leader);
  assert.match(text, /^prom_multiproc_push_samples_total\{target="remote_write"\} [1-9]/m);
});

function leadershipIn(t: TestContext, dir: string, log: string[] = []): Leadership {
  const leadership = new Leadership({
    id: '0123456789abcdef',
    target: 'otlp',
    intervalMs: 100,
    warn: (what) => log.push(what),
  });
  afterTest(t, () => leadership.end(NO_FIGURES));
  assert.equal(leadership.decide(dir), true);
  return leadership;
}

test('the figures of pushes to receivers of one kind are shown as one', async (t) => {
  const dir = withTempDir(t);
  for (const [id, sent, failed, lastSuccessAt] of [
    ['a', 10, 1, 2000],
    ['b', 5, 0, 1000],
  ] as const) {
    const lock = new PushLock(dir, id.repeat(16));
    afterTest(t, () => lock.close());
    lock.write({
      ...{ target: 'otlp', leader: id, machine: 'here', pid: 1, isLocked: true, hasEnded: false, intervalMs: 1000 },
      ...{ sentAt: 1, beatAt: Date.now(), figures: { ...NO_FIGURES, sent, failed, lastSuccessAt } },
    });
  }
  const { body } = await collectorOf(t, dir).metrics();
  const lines = Buffer.from(body).toString().split('\n');
  const shown = lines.filter((line) => /^prom_multiproc_push_(samples|lost|last)/.test(line) && !line.endsWith(' 0'));
  assert.deepEqual(shown, [
    'prom_multiproc_push_samples_total{target="otlp"} 15',
    'prom_multiproc_push_lost_samples_total{target="otlp",reason="failed"} 1',
    'prom_multiproc_push_last_success_timestamp_seconds{target="otlp"} 1000',
  ]);
});

test('a clock that is set back does not send an earlier time, in this leader or the next', (t) => {
  const dir = withTempDir(t);
  const first = leadershipIn(t, dir);
  assert.equal(first.nextTime(NO_FIGURES, 5000), 5000);
  assert.equal(first.nextTime(NO_FIGURES, 1000), 5001);
  first.end(NO_FIGURES);
  assert.equal(leadershipIn(t, dir).nextTime(NO_FIGURES, 2000), 5002);
});

test('a leader stands back where a host that does not share its locks pushes the same series', async (t) => {
  const dir = withTempDir(t);
  const log: string[] = [];
  const leadership = leadershipIn(t, dir, log);
  leadership.nextTime(NO_FIGURES);
  const foreign = { ...recordOf(dir)!, leader: '0000000000000000', machine: 'another host' };
  withLock(dir, (fd) => writePushRecord(fd, foreign));
  assert.equal(leadership.decide(dir), false);
  assert.deepEqual(log, ['two leaders']);
  // and comes back when that host is silent for three intervals
  await until(() => leadership.decide(dir));
});

test('without locks of the kernel one process claims the push, and another takes over when it is silent', async (t) => {
  const receiver = await startPushReceiver(t);
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 2, { PROM_MULTIPROC_NO_MMAP: '1' });
  await count(workers, 1);
  await pushFrom(workers, { remoteWrite: { url: receiver.url }, intervalMs: 200 });
  await until(() => receiver.requests.length > 2);
  const first = recordOf(dir)!;
  assert.equal(first.isLocked, false);
  await workers.find(({ pid }) => pid === first.pid)!.kill();
  const before = receiver.requests.length;
  await until(() => receiver.requests.length > before && recordOf(dir)!.leader !== first.leader);
});

test(
  'the command pushes beside an application, and ends with the last values at SIGTERM',
  needs('openssl'),
  async (t) => {
    const receiver = await startPushReceiver(t);
    const files = withTempDir(t);
    const authority = new TestAuthority(files);
    const [{ cert, key }, own] = [authority.issue('receiver', 'IP:127.0.0.1'), authority.issue('client', 'DNS:client')];
    const secure = await startPushReceiver(t, '127.0.0.1', { cert, key, ca: authority.cert, requestCert: true });
    const [passwordFile, textfile] = [join(files, 'password'), join(files, 'app.prom')];
    fs.writeFileSync(passwordFile, 'secret\n');
    const dir = withTempDir(t);
    const { workers } = await startCluster(t, dir, 1);
    await count(workers, 1);
    const command = startCli(t, [
      ...['push', '--dir', dir, '--interval', '1m', '--label', 'job=app', '--header', 'x-scope-orgid: a'],
      ...['--remote-write', receiver.url, '--otlp', `${secure.url}/v1/metrics`, '--textfile', textfile],
      ...['--basic-auth.username', 'u', '--basic-auth.password-file', passwordFile],
      ...['--tls.ca-file', authority.certFile, '--tls.cert-file', own.certFile, '--tls.key-file', own.keyFile],
    ]);
    await command.printed(/pushing the metrics of .* every 1m/);
    const written = (): boolean =>
      receiver.requests.flatMap(decodeRemoteWrite).some(({ name }) => name === 'jobs_total');
    await until(() => written() && secure.requests.length > 0 && fs.existsSync(textfile));
    await count(workers, 5);
    command.child.kill('SIGTERM');
    assert.equal(await command.ended(), 0);
    const values = receiver.requests.flatMap(decodeRemoteWrite).filter(({ name }) => name === 'jobs_total');
    assert.deepEqual(
      values.map(({ value, isStale }) => (isStale ? 'stale' : value)),
      [1, 6, 'stale'],
    );
    assert.deepEqual(values[0].labels, { job: 'app' });
    const [{ headers }] = secure.requests;
    assert.deepEqual([headers.authorization, headers['x-scope-orgid']], [`Basic ${btoa('u:secret')}`, 'a']);
    const points = secure.requests.flatMap(decodeOtlp).flatMap(({ name, sum }) => (name === 'jobs_total' ? sum! : []));
    assert.deepEqual(
      points.map(({ dataPoints: [{ asDouble, flags }] }) => (flags === 1 ? 'ended' : asDouble)),
      [1, 6, 'ended'],
    );
    assert.deepEqual(linesOf(fs.readFileSync(textfile, 'utf8'), 'jobs_total'), ['jobs_total{job="app"} 6']);
  },
);

test('a push keeps no process alive, also while its receiver hangs', async (t) => {
  const receiver = await startPushReceiver(t);
  receiver.respond = () => true;
  const script = `
    const { Counter } = require('prom-multiproc');
    new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
    require('prom-multiproc/push').startPush({ intervalMs: 100, otlp: { url: '${receiver.url}' } });
    const life = setInterval(() => {}, 1000);
    process.once('SIGUSR2', () => clearInterval(life));`;
  const program = startProgram(
    t,
    process.execPath,
    ['--eval', script],
    { PROMETHEUS_MULTIPROC_DIR: undefined },
    process.cwd(),
  );
  await until(() => receiver.requests.length > 0);
  program.child.kill('SIGUSR2');
  const start = performance.now();
  assert.equal(await program.ended(), 0);
  // a request that keeps it alive lasts for 10 s
  assert.ok(performance.now() - start < 5000);
});
