import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { afterTest } from '../support/after-test.js';
import { DIST, freePort, type Program, startProgram, until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

/** The sources, for what tsc does not copy. */
const EXAMPLE = join(DIST, '..', 'examples', 'beyond-one-machine');
/** The example's is 10.9.0; here one that hardly another run on this machine has, be it one that was killed and left its bridge. */
const NETWORK = `10.9.${(process.pid % 255) + 1}`;
const HOSTS = ['11', '12', '13'].map((host) => `${NETWORK}.${host}`);
const HERE = `${NETWORK}.1`;

test(
  'three hosts, each with a merged endpoint, are one in Prometheus and in what is sent by OTLP',
  needs('prometheus', 'ip', 'root'),
  async (t) => {
    const hosts = makeHosts(t);
    const dir = withTempDir(t);
    const received = await otlpReceiver(t);
    await Promise.all(
      hosts.map(async ({ namespace, address }) => {
        const own = join(dir, address);
        mkdirSync(own);
        const host = inNamespace(t, namespace, join(DIST, 'examples', 'beyond-one-machine', 'host.js'), {
          HOST: address,
          PORT: '8080',
          METRICS_PORT: '9464',
          PROMETHEUS_MULTIPROC_DIR: own,
          OTLP_URL: received.url,
          OTLP_INTERVAL_MS: '500',
        });
        await host.printed(/metrics on/);
      }),
    );
    const prometheus = await startPrometheus(t, dir, configurationIn(dir));
    for (const [at, { address }] of hosts.entries()) {
      await until(() => visit(address, '/').catch(() => false));
      // before the last of home, so that whoever sees all of those sees this too
      await visit(address, '/else');
      for (let visits = 1; visits < 10 * (at + 1); visits++) await visit(address, '/');
    }
    // 10 + 20 + 30 of home, one each of the other
    await until(async () => (await prometheus.value('page:visits:sum{page="home"}')) === 60);
    assert.equal(await prometheus.value('page:visits:sum{page="other"}'), 3);
    await until(async () => (await prometheus.value('sum(up)')) === 3);
    assert.equal(await prometheus.value('count(visits_total{page="home"})'), 3);
    assert.equal(await prometheus.value('sum(visit_seconds_count)'), 63);

    const sent = await until(() => received.hosts().size === 3 && sumOf(received, 'home') === 60 && received);
    assert.equal(sumOf(sent, 'other'), 3);
    for (const metrics of sent.hosts().values()) {
      const histogram = metrics.find(({ name }) => name === 'visit_seconds')!.histogram!;
      const [{ count, bucketCounts, explicitBounds }] = histogram.dataPoints;
      assert.deepEqual(explicitBounds, [0.1, 1]);
      assert.equal(
        bucketCounts.map(Number).reduce((sum, bucket) => sum + bucket, 0),
        Number(count),
      );
      assert.equal(metrics.find(({ name }) => name === 'visits_total')!.sum!.isMonotonic, true);
    }
  },
);

interface Host {
  readonly namespace: string;
  readonly address: string;
}

/** Hosts on one machine: network namespaces that a bridge connects. */
function makeHosts(t: TestContext): Host[] {
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const id = process.pid % 10_000;
  const bridge = `pmb${id}`;
  ip('link', 'add', bridge, 'type', 'bridge');
  afterTest(t, () => ip('link', 'del', bridge));
  ip('addr', 'add', `${HERE}/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  return HOSTS.map((address, at) => {
    const namespace = `pmh${id}-${at}`;
    const [outside, inside] = [`pmo${id}-${at}`, `pmi${id}-${at}`];
    ip('netns', 'add', namespace);
    afterTest(t, () => ip('netns', 'del', namespace));
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', namespace);
    ip('link', 'set', outside, 'master', bridge, 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', inside);
    ip('-n', namespace, 'link', 'set', inside, 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return { namespace, address };
  });
}

function inNamespace(t: TestContext, namespace: string, script: string, env: Record<string, string>): Program {
  return startProgram(t, 'ip', ['netns', 'exec', namespace, process.execPath, script], env);
}

async function visit(address: string, path: string): Promise<boolean> {
  const response = await fetch(`http://${address}:8080${path}`, { headers: { connection: 'close' } });
  await response.arrayBuffer();
  return response.ok;
}

interface SentMetric {
  readonly name: string;
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: readonly SentPoint[] };
  readonly histogram?: {
    readonly dataPoints: readonly { count: string; bucketCounts: (string | number)[]; explicitBounds: number[] }[];
  };
}

interface SentPoint {
  readonly asDouble: number;
  readonly attributes: readonly { key: string; value: { stringValue: string } }[];
}

interface Receiver {
  readonly url: string;
  /** What each host sent last. */
  hosts(): ReadonlyMap<string, readonly SentMetric[]>;
}

async function otlpReceiver(t: TestContext): Promise<Receiver> {
  const byHost = new Map<string, readonly SentMetric[]>();
  const port = await freePort();
  const server = createServer(async (request, response) => {
    const { resourceMetrics } = JSON.parse((await buffer(request)).toString());
    const metrics: SentMetric[] = resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
    if (metrics.length > 0) byHost.set(request.socket.remoteAddress!, metrics);
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(port, HERE);
  await once(server, 'listening');
  afterTest(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://${HERE}:${port}/v1/metrics`, hosts: () => byHost };
}

function sumOf(receiver: Receiver, page: string): number {
  let sum = 0;
  for (const metrics of receiver.hosts().values()) {
    for (const { asDouble, attributes } of metrics.find(({ name }) => name === 'visits_total')?.sum?.dataPoints ?? []) {
      if (attributes.some(({ key, value }) => key === 'page' && value.stringValue === page)) sum += asDouble;
    }
  }
  return sum;
}

/** The example's files as they are, but for the network. */
function configurationIn(dir: string): string {
  for (const file of ['prometheus.yml', 'rules.yml', 'targets.json']) {
    const text = readFileSync(join(EXAMPLE, file), 'utf8');
    writeFileSync(join(dir, file), text.replaceAll('10.9.0.', `${NETWORK}.`));
  }
  return join(dir, 'prometheus.yml');
}
