import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Deployment } from 'kubernetes-models/apps/v1';
import { Service } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { RULES } from '../../src/collector/verdict.js';
import { DIST, startCli } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const EXAMPLES = join(DIST, '..', 'examples');

function promtool(...args: string[]): string {
  return execFileSync('promtool', args, { cwd: join(EXAMPLES, 'monitoring'), encoding: 'utf8' });
}

test('the alert rules are valid, and alert when and only when they should', needs('prometheus'), () => {
  assert.match(promtool('check', 'rules', 'alerts.yml'), /SUCCESS/);
  assert.match(promtool('test', 'rules', 'alerts.test.yml'), /SUCCESS/);
  promtool('check', 'rules', '../beyond-one-machine/rules.yml');
});

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

test('every query of the dashboard is valid, and asks for metrics that there are', needs('prometheus'), async (t) => {
  const { panels } = JSON.parse(readFileSync(join(EXAMPLES, 'monitoring', 'dashboard.json'), 'utf8')) as Dashboard;
  const dir = withTempDir(t);
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const rules = expressions.map((expr, at) => ({
    record: `query:${at}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('"$job"', '".*"'),
  }));
  const file = join(dir, 'queries.json');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  assert.match(promtool('check', 'rules', file), new RegExp(`${expressions.length} rules found`));

  const sidecar = startCli(t, ['serve', '--dir', join(dir, 'none'), '--web.listen-address', '127.0.0.1:0']);
  const [, url] = await sidecar.printed(/on (http\S+)/);
  const served = await (await fetch(url)).text();
  const own = new Set([...served.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = new Set(expressions.flatMap((expr) => expr.match(/prom_multiproc_\w+/g) ?? []));
  // a counter of the processes that is there once something was dropped
  asked.delete('prom_multiproc_dropped_samples_total');
  assert.deepEqual(
    [...asked].filter((name) => !own.has(name)),
    [],
  );
});

test('the Kubernetes manifest is what the schemas of Kubernetes ask for', () => {
  const models: Readonly<Record<string, new (data: any) => { validate(): void }>> = { Deployment, Service };
  const documents = parseAllDocuments(readFileSync(join(EXAMPLES, 'kubernetes', 'sidecar.yaml'), 'utf8'));
  const kinds = documents.map((document) => {
    const manifest = document.toJS() as { kind: string };
    new models[manifest.kind](manifest).validate();
    return manifest.kind;
  });
  assert.deepEqual(kinds, ['Deployment', 'Service']);
});

test('the systemd unit starts a command that there is', () => {
  const unit = readFileSync(join(EXAMPLES, 'systemd', 'prom-multiproc.service'), 'utf8');
  const [, command] = /^ExecStart=\S+ --no-install prom-multiproc (\S+)/m.exec(unit)!;
  assert.ok(existsSync(join(DIST, 'src', 'cli', `${command}.js`)));
  assert.match(unit, /^\[Install\]$/m);
});

test('every rule of the verdict has its alert', () => {
  const alerts = readFileSync(join(EXAMPLES, 'monitoring', 'alerts.yml'), 'utf8');
  const tested = readFileSync(join(EXAMPLES, 'monitoring', 'alerts.test.yml'), 'utf8');
  for (const { name, alert } of RULES) {
    assert.match(alerts, new RegExp(`- alert: ${alert}$`, 'm'), name);
    assert.match(tested, new RegExp(`alertname: ${alert}\\n +exp_alerts`), `${alert} is tested`);
  }
});
