import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { afterTest } from '../support/after-test.js';
import { checkMetrics } from '../support/promtool.js';
import { startExample, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const URL_OF_METRICS = /serving on (\S+\/metrics)/;

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.text();
}

test('the uptime exporter shows how long the machine is up, with its host name', needs('prometheus'), async (t) => {
  const exporter = startExample(t, 'uptime-exporter/app.js', [], { PORT: '0', INTERVAL_SECONDS: '1' });
  const [, url] = await exporter.printed(URL_OF_METRICS);
  const text = await textOf(url);
  assert.equal(
    text.replace(/ \d+(\.\d+)?$/m, ' <seconds>'),
    [
      '# HELP system_uptime_seconds Time since the machine started.',
      '# TYPE system_uptime_seconds gauge',
      `system_uptime_seconds{host="${hostname()}"} <seconds>`,
      '',
    ].join('\n'),
  );
  assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
  const before = text;
  assert.notEqual(await until(async () => (await textOf(url)) !== before && textOf(url)), before);
});

test('the status exporter shows what the application says, and that it is down', needs('prometheus'), async (t) => {
  const status = { current_requests: 3, pending_requests: 1, total_uptime: 120, health: 'degraded' };
  const app = createServer((_request, response) => void response.end(JSON.stringify(status))).listen(0, '127.0.0.1');
  await once(app, 'listening');
  afterTest(t, () => void app.close());
  const { port } = app.address() as AddressInfo;
  const exporter = startExample(t, 'status-exporter/app.js', [], {
    PORT: '0',
    INTERVAL_SECONDS: '0.1',
    STATUS_URL: `http://127.0.0.1:${port}/status`,
  });
  const [, url] = await exporter.printed(URL_OF_METRICS);
  const text = await textOf(url);
  assert.equal(
    text,
    `# HELP app_up Whether the application answered the last time it was asked.
# TYPE app_up gauge
app_up 1

# HELP app_requests_current Requests that the application is answering.
# TYPE app_requests_current gauge
app_requests_current 3

# HELP app_requests_pending Requests that wait in the application.
# TYPE app_requests_pending gauge
app_requests_pending 1

# HELP app_uptime_seconds Time since the application started.
# TYPE app_uptime_seconds gauge
app_uptime_seconds 120

# HELP app_health How the application says it is.
# TYPE app_health gauge
app_health{app_health="healthy"} 0
app_health{app_health="degraded"} 1
app_health{app_health="unhealthy"} 0
app_health{app_health="unknown"} 0
`,
  );
  assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
  app.closeAllConnections();
  app.close();
  const down = await until(async () => {
    const now = await textOf(url);
    return now.includes('app_up 0') && now;
  });
  assert.match(down, /^app_requests_current NaN$/m);
  assert.match(down, /^app_health\{app_health="unknown"\} 1$/m);
  assert.equal(exporter.child.exitCode, null);
});

test('the system usage exporter shows CPU and memory as shares', needs('prometheus'), async (t) => {
  const exporter = startExample(t, 'system-usage-exporter/app.js', [], { PORT: '0' });
  const [, url] = await exporter.printed(URL_OF_METRICS);
  const text = await textOf(url);
  assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
  const shares = [...text.matchAll(/^system_usage_ratio\{resource_type="(\w+)"\} (\S+)$/gm)];
  assert.deepEqual(
    shares.map(([, type]) => type),
    ['cpu', 'memory'],
  );
  for (const [, type, share] of shares) assert.ok(Number(share) >= 0 && Number(share) <= 1, `${type} ${share}`);
});

test('the cron job leaves a file that the node exporter would take', needs('prometheus'), async (t) => {
  const dir = withTempDir(t);
  const textfile = join(dir, 'backup.prom');
  const source = join(__dirname, 'exporters.test.js');
  const job = startExample(t, 'textfile-cron/job.js', [textfile, source]);
  assert.equal(await job.ended(), 0, job.output());
  const text = readFileSync(textfile, 'utf8');
  assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
  assert.match(text, new RegExp(`^backup_size_bytes ${readFileSync(source).length}$`, 'm'));
  assert.match(text, /^backup_success 1$/m);
  const failing = startExample(t, 'textfile-cron/job.js', [textfile, '/nowhere']);
  assert.equal(await failing.ended(), 1);
  assert.match(readFileSync(textfile, 'utf8'), /^backup_success 0$/m);
});

test(
  'an application with mounted metrics shows its last response times and its uptime',
  needs('prometheus'),
  async (t) => {
    const app = startExample(t, 'mounted-app/app.js', [], { PORT: '0' });
    const [, url] = await app.printed(/serving on (\S+)/);
    assert.equal(await textOf(url), 'hello\n');
    assert.equal(await textOf(`${url}slow`), 'at last\n');
    const text = await until(async () => {
      const now = await textOf(`${url}metrics`);
      return /seconds_total [1-9]/.test(now) && now.includes('/slow') && now;
    });
    assert.deepEqual(checkMetrics(text), { parses: true, problems: [] });
    const slow = Number(/^service_last_response_seconds\{route="\/slow"\} (\S+)$/m.exec(text)?.[1]);
    assert.ok(slow >= 0.09, `${slow} s`);
  },
);
