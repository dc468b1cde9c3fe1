import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assertHistogramsAreSound, assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { freePort, startExample, until } from '../support/program.js';
import { checkMetrics } from '../support/promtool.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const EXPECTED = (framework: string): string => `# HELP users_created_total Users created.
# TYPE users_created_total counter
users_created_total{plan="free"} 1
users_created_total{plan="pro"} 2

# HELP orders_total Orders paid for.
# TYPE orders_total counter
orders_total{payment_method="card"} 8
orders_total{payment_method="invoice"} 4

# HELP orders_failed_total Orders that failed.
# TYPE orders_failed_total counter
orders_failed_total{reason="empty"} 1
orders_failed_total{reason="payment_declined"} 1
orders_failed_total{reason="unknown_user"} 3

# HELP revenue_euros_total What was paid for orders.
# TYPE revenue_euros_total counter
revenue_euros_total 8160

# HELP order_processing_seconds Time that an order takes.
# TYPE order_processing_seconds histogram
order_processing_seconds_count 17

# HELP orders_in_process Orders being processed now.
# TYPE orders_in_process gauge
orders_in_process 0

# HELP largest_order_euros The largest order so far.
# TYPE largest_order_euros gauge
largest_order_euros 2000

# HELP api_info Which API this is.
# TYPE api_info gauge
api_info{version="1.2.0",framework="${framework}"} 1

# HELP http_requests_total HTTP requests answered.
# TYPE http_requests_total counter
http_requests_total{method="POST",route="/users",status_code="201"} 3
http_requests_total{method="POST",route="/users/:user/orders",status_code="200"} 12
http_requests_total{method="POST",route="/users/:user/orders",status_code="422"} 5

# HELP http_request_duration_seconds Time from the arrival of an HTTP request to the end of its response.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_count{method="POST",route="/users",status_code="201"} 3
http_request_duration_seconds_count{method="POST",route="/users/:user/orders",status_code="200"} 12
http_request_duration_seconds_count{method="POST",route="/users/:user/orders",status_code="422"} 5

# HELP http_requests_in_progress HTTP requests in progress.
# TYPE http_requests_in_progress gauge
http_requests_in_progress{method="POST"} 0
`;

for (const framework of ['express', 'fastify']) {
  test(
    `the clustered API on ${framework} counts over its workers, and on through a SIGKILL`,
    needs('prometheus'),
    async (t) => {
      const [port, metricsPort] = [await freePort(), await freePort()];
      const primary = startExample(t, 'cluster-api/primary.js', [framework], {
        PORT: String(port),
        METRICS_PORT: String(metricsPort),
        PROMETHEUS_MULTIPROC_DIR: withTempDir(t),
      });
      await primary.printed(/metrics on/);
      const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const post = async (path: string, body: object): Promise<number | undefined> => {
        try {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            method: 'POST',
            body: JSON.stringify(body),
            // a connection of its own for each, so that both workers get some
            headers: { 'content-type': 'application/json', connection: 'close' },
          });
          await response.arrayBuffer();
          return response.status;
        } catch {
          return undefined;
        }
      };
      // until both workers listen a connection may be refused
      await until(async () => (await metrics()).includes('prom_multiproc_processes{state="live"} 2'));
      await until(async () => (await post('/users', { name: 'ann', plan: 'free' })) === 201);
      for (const name of ['bob', 'eve']) assert.equal(await post('/users', { name, plan: 'pro' }), 201);
      const order = (user: string, paymentMethod: string, euros: number) =>
        post(`/users/${user}/orders`, { paymentMethod, euros });
      for (let at = 0; at < 8; at++) assert.equal(await order('guest', 'card', 20), 200);
      for (let at = 0; at < 4; at++) assert.equal(await order('guest', 'invoice', 2000), 200);
      for (let at = 0; at < 3; at++) assert.equal(await order('nobody', 'card', 20), 422);
      assert.equal(await order('guest', 'card', 2000), 422);
      assert.equal(await order('guest', 'card', 0), 422);

      const expected = EXPECTED(framework);
      // requests are counted when their responses are over, which clients hear of first
      await until(async () => /^http_requests_total\{.*"422"\} 5$/m.test(await metrics()));
      const text = await metrics();
      assert.equal(countsOf(text), expected);
      assertNoDuplicateSeries(text);
      assertHistogramsAreSound(text);
      assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });

      const pid = workerPid(primary.child.pid!);
      process.kill(pid, 'SIGKILL');
      await primary.printed(new RegExp(`worker ${pid} is gone`));
      await until(async () => (await metrics()).includes('prom_multiproc_processes{state="live"} 2'));
      assert.equal(countsOf(await metrics()), expected);
      assert.equal(await order('guest', 'card', 20), 200);
      assert.match(
        await until(async () => {
          const now = await metrics();
          return now.includes('orders_total{payment_method="card"} 9') && now;
        }),
        /^revenue_euros_total 8180$/m,
      );
    },
  );
}

/** Without what depends on time, and without the collector's own metrics. */
function countsOf(text: string): string {
  const [application] = text.split('# HELP prom_multiproc_');
  return application
    .split('\n')
    .filter((line) => !/_bucket\{|_sum/.test(line))
    .join('\n')
    .replace(/\n+$/, '\n');
}

function workerPid(primary: number): number {
  return Number(readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8').split(' ')[0]);
}
