import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { TestAuthority } from '../support/certificates.js';
import { startCli, startProgram, until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const PASSWORD = 'correct horse';

test(
  'Prometheus scrapes a cluster and its sidecar over TLS with a password, during kills and folds',
  needs('prometheus', 'openssl'),
  async (t) => {
    const dir = withTempDir(t);
    const files = withTempDir(t);
    const authority = new TestAuthority(dir);
    const { certFile, keyFile } = authority.issue('server', 'IP:127.0.0.1');
    const webConfig = join(dir, 'web.yml');
    writeFileSync(
      webConfig,
      [
        'tls_server_config:',
        `  cert_file: ${certFile}`,
        `  key_file: ${keyFile}`,
        'basic_auth_users:',
        `  prometheus: ${hashSync(PASSWORD, 4)}`,
      ].join('\n'),
    );
    const env = { PROMETHEUS_MULTIPROC_DIR: files, WEB_CONFIG: webConfig };
    const primary = startProgram(t, process.execPath, [join(__dirname, 'programs', 'secured-cluster.js')], env);
    const sidecar = startCli(t, [
      'serve',
      '--dir',
      files,
      '--web.listen-address',
      '127.0.0.1:0',
      '--web.config.file',
      webConfig,
    ]);
    const targets = await Promise.all(
      [primary, sidecar].map((program) => program.printed(/on https:\/\/(127\.0\.0\.1:\d+)/)),
    );
    const prometheus = await startPrometheus(t, dir, {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: ['primary', 'sidecar'].map((job, at) => ({
        job_name: job,
        scheme: 'https',
        tls_config: { ca_file: authority.certFile },
        basic_auth: { username: 'prometheus', password: PASSWORD },
        static_configs: [{ targets: [targets[at][1]] }],
      })),
    });
    await until(async () => (await prometheus.value('sum(up)')) === 2);
    await until(async () => ((await prometheus.value('min(ticks_total)')) ?? 0) > 100);

    const workers = [...primary.output().matchAll(/^worker (\d+)/gm)].map(([, pid]) => Number(pid));
    for (const pid of workers.slice(0, 2)) {
      process.kill(pid, 'SIGKILL');
      const before = (await prometheus.value('min(ticks_total)'))!;
      await until(async () => ((await prometheus.value('min(ticks_total)')) ?? 0) > before + 100);
    }
    const fold = startCli(t, ['fold', '--dir', files]);
    assert.equal(await fold.ended(), 0, fold.output());
    assert.match(fold.output(), /folded 2 files/);
    const folded = (await prometheus.value('min(ticks_total)'))!;
    await until(async () => ((await prometheus.value('min(ticks_total)')) ?? 0) > folded + 100);

    const jobs = async (expression: string): Promise<number[]> =>
      (await prometheus.query(expression)).map(({ value }) => value);
    assert.deepEqual(await jobs('resets(ticks_total[5m])'), [0, 0]);
    assert.deepEqual(await jobs('resets(tick_seconds_count[5m])'), [0, 0]);
    // not min_over_time: on a busy machine a scrape may exceed Prometheus's timeout
    await until(async () => (await prometheus.value('sum(up)')) === 2);
    for (const rate of await jobs('rate(ticks_total[5m])')) assert.ok(rate > 0 && rate < 400, `${rate} a second`);
    for (const median of await jobs('histogram_quantile(0.5, rate(tick_seconds_bucket[5m]))')) {
      assert.ok(Math.abs(median - 0.3) < 1e-9, `${median} s`);
    }
    assert.deepEqual(await jobs('absent(ticks_total)'), []);
    assert.equal(await prometheus.value('max(prom_multiproc_archive_generation)'), 1);
    assert.equal(await prometheus.value('min(prom_multiproc_processes{state="live"})'), 3);
  },
);
