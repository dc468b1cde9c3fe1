import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { afterTest } from '../support/after-test.js';
import { needs } from '../support/needs.js';
import { DIST, type Program, startProgram, until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { attributesOf, decodeOtlp, type PushReceiver, startPushReceiver } from '../support/push-receiver.js';
import { withTempDir } from '../support/temp-dir.js';

/** The sources, for what tsc does not copy. */
const EXAMPLE = join(DIST, '..', 'examples', 'beyond-one-machine');
/** The example's is 10.9.0; here one that hardly another run on this machine has, be it one that was killed and left its bridge. */
const NETWORK = `10.9.${(process.pid % 255) + 1}`;
const HOSTS = ['11', '12', '13'].map((host) => `${NETWORK}.${host}`);
const HERE = `${NETWORK}.1`;

test(
  'three hosts have the same totals in one Prometheus that scrapes them and is written into, in one that federates it, and in what is pushed by OTLP',
  needs('prometheus', 'prometheus 3', 'ip', 'root'),
  async (t) => {
    const hosts = makeHosts(t);
    const dir = withTempDir(t);
    const otlp = await startPushReceiver(t, HERE);
    const prometheus = await startPrometheus(t, dir, configurationIn(dir), {
      version: 3,
      flags: ['--web.enable-remote-write-receiver'],
      host: HERE,
    });
    await Promise.all(
      hosts.map(async ({ namespace, address }) => {
        const own = join(dir, address);
        mkdirSync(own);
        const host = inNamespace(t, namespace, join(DIST, 'examples', 'beyond-one-machine', 'host.js'), {
          HOST: address,
          PORT: '8080',
          METRICS_PORT: '9464',
          PROMETHEUS_MULTIPROC_DIR: own,
          REMOTE_WRITE_URL: `${prometheus.url}/api/v1/write`,
          OTLP_URL: `${otlp.url}/v1/metrics`,
          PUSH_INTERVAL_MS: '500',
        });
        await host.printed(/metrics on/);
      }),
    );
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
    for (const job of ['app', 'pushed']) {
      await until(async () => (await prometheus.value(`sum(visits_total{job="${job}",page="home"})`)) === 60);
      assert.equal(await prometheus.value(`sum(visits_total{job="${job}",page="other"})`), 3);
      assert.equal(await prometheus.value(`count(visits_total{job="${job}",page="home"})`), 3);
      assert.equal(await prometheus.value(`sum(visit_seconds_count{job="${job}"})`), 63);
      assert.equal(await prometheus.value(`sum(visit_seconds_bucket{job="${job}",le="+Inf"})`), 63);
    }
    // a global Prometheus has what that of the site has recorded, and nothing of single hosts
    const elsewhere = join(dir, 'global');
    mkdirSync(elsewhere);
    const site = readFileSync(join(EXAMPLE, 'global.yml'), 'utf8').replace(
      '10.9.0.1:9090',
      new URL(prometheus.url).host,
    );
    writeFileSync(join(elsewhere, 'prometheus.yml'), site);
    const everything = await startPrometheus(t, elsewhere, join(elsewhere, 'prometheus.yml'));
    await until(async () => (await everything.value('page:visits:sum{page="home"}')) === 60);
    assert.equal(await everything.value('page:visits:sum{page="other"}'), 3);
    assert.equal(await everything.value('count(visits_total) or vector(0)'), 0);
    await until(() => total(pushedByOtlp(otlp, 'home')) === 60);
    assert.equal(total(pushedByOtlp(otlp, 'other')), 3);
    assert.deepEqual([...pushedByOtlp(otlp, 'home').keys()].toSorted(), HOSTS.toSorted());
    const { histogram } = otlp.requests.flatMap(decodeOtlp).findLast(({ name }) => name === 'visit_seconds')!;
    const [{ count, bucketCounts: buckets, explicitBounds: bounds }] = histogram!.dataPoints;
    assert.deepEqual(bounds, [0.1, 1]);
    assert.equal(
      buckets.reduce((sum: number, each: number) => sum + each, 0),
      count,
    );
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

/** The last points of a counter, by host, that have a page. */
function pushedByOtlp(receiver: PushReceiver, page: string): Map<string, number> {
  const byHost = new Map<string, number>();
  for (const { name, resource, sum } of receiver.requests.flatMap(decodeOtlp)) {
    if (name !== 'visits_total') continue;
    for (const point of sum!.dataPoints) {
      if (attributesOf(point).page === page) byHost.set(resource['service.instance.id'], point.asDouble);
    }
  }
  return byHost;
}

function total(byHost: ReadonlyMap<string, number>): number {
  return [...byHost.values()].reduce((sum, value) => sum + value, 0);
}

/** The example's files as they are, but for the network. */
function configurationIn(dir: string): string {
  for (const file of ['prometheus.yml', 'rules.yml', 'targets.json']) {
    const text = readFileSync(join(EXAMPLE, file), 'utf8');
    writeFileSync(join(dir, file), text.replaceAll('10.9.0.', `${NETWORK}.`));
  }
  return join(dir, 'prometheus.yml');
}
