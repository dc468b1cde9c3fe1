import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { afterTest } from '../support/after-test.js';
import { assertHistogramsAreSound, assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { freePort, type Program, startCli, startExample, startProgram, until } from '../support/program.js';
import { checkMetrics } from '../support/promtool.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

test(
  'tasks of several workers and their pools are counted through failures, retries and a SIGKILL',
  needs('redis', 'prometheus'),
  async (t) => {
    const dir = withTempDir(t);
    const env = {
      PROMETHEUS_MULTIPROC_DIR: dir,
      REDIS_PORT: String(await startRedis(t, withTempDir(t))),
      // a worker that is starved for half of it would lose its jobs to another
      LOCK_MS: '2500',
    };
    // the sidecar is there first, as it may be
    const sidecar = startCli(t, ['serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0']);
    const [, url] = await sidecar.printed(/on (http\S+)/);
    const metrics = async (): Promise<string> => (await fetch(url)).text();
    const start = async (): Promise<Program> => {
      const worker = startExample(t, 'background-workers/worker.js', [], env);
      await worker.printed(/ready/);
      return worker;
    };
    const workers = await Promise.all([start(), start(), start()]);
    const enqueue = async (...jobs: string[]): Promise<void> => {
      const queued = startExample(t, 'background-workers/enqueue.js', jobs, env);
      assert.equal(await queued.ended(), 0, queued.output());
    };

    await enqueue('mail', '30', 'report', '12', 'fails-once', '5');
    const first = {
      'task="mail",status="completed"': 30,
      'task="report",status="completed"': 12,
      'task="fails-once",status="failed"': 5,
      'task="fails-once",status="completed"': 5,
    };
    await until(async () => sameCounts(tasksOf(await metrics()), first));

    // one that hangs is in progress, and no longer when its worker is killed; another takes it over
    await enqueue('hangs', '1');
    await until(async () => (await metrics()).includes('tasks_in_progress{task="hangs"} 1'));
    const victim = await hanging(workers);
    victim.child.kill('SIGKILL');
    await victim.ended();
    assert.deepEqual(tasksOf(await metrics()), first);
    await until(async () => (await metrics()).includes('tasks_in_progress{task="hangs"} 1'));

    await enqueue('mail', '10');
    await until(async () => sameCounts(tasksOf(await metrics()), { ...first, 'task="mail",status="completed"': 40 }));
    const text = await metrics();
    assert.match(text, /^task_duration_seconds_count\{task="mail"\} 40$/m);
    assert.match(text, /^task_duration_seconds_count\{task="fails-once"\} 10$/m);
    assert.match(text, /^tasks_in_progress\{task="mail"\} 0$/m);
    assertNoDuplicateSeries(text);
    assertHistogramsAreSound(text);
    assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
  },
);

test('a batch job pushes what its threads counted when it ends', needs('pushgateway'), async (t) => {
  const pushed: { path: string; text: string }[] = [];
  const gateway = createServer(async (request, response) => {
    const body = await buffer(request);
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    pushed.push({ path: request.url!, text: text.toString() });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  afterTest(t, () => void gateway.close());
  const { port } = gateway.address() as AddressInfo;
  const job = startExample(t, 'background-workers/batch.js', [], {
    GATEWAY: `http://127.0.0.1:${port}`,
    PROMETHEUS_MULTIPROC_DIR: withTempDir(t),
  });
  assert.equal(await job.ended(), 0, job.output());
  assert.equal(pushed.length, 1);
  assert.equal(pushed[0].path, '/metrics/job/nightly_reports');
  assert.deepEqual(tasksOf(pushed[0].text), {
    'task="batch",status="completed"': 1,
    'task="report",status="completed"': 20,
  });
});

/** A Redis of the test's own, in memory. */
async function startRedis(t: TestContext, dir: string): Promise<number> {
  const port = await freePort();
  const redis = startProgram(t, 'redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    dir,
  ]);
  await redis.printed(/Ready to accept connections/);
  return port;
}

function tasksOf(text: string): Record<string, number> {
  return Object.fromEntries(
    [...text.matchAll(/^tasks_total\{(.*)\} (\d+)$/gm)].map(([, labels, count]) => [labels, Number(count)]),
  );
}

function sameCounts(counts: Record<string, number>, expected: Record<string, number>): boolean {
  const sorted = (record: Record<string, number>): string =>
    JSON.stringify(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(counts) === sorted(expected);
}

/** The worker that has the task which hangs: the one that was told so last by the queue. */
async function hanging(workers: readonly Program[]): Promise<Program> {
  return until(() => workers.find((worker) => worker.output().includes('hanging')));
}
