import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { api } from '../../src/otel/global-provider.js';
import { withTempDir } from '../support/temp-dir.js';

const ROOT = join(__dirname, '..', '..', '..');

/** Runs a script as an application that preloads the provider. */
function run(script: string, ...flags: string[]): { stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...flags, '--eval', script], { cwd: ROOT, encoding: 'utf8' });
}

test('an API that is missing, or has no metrics yet, is an error that names the versions', (t) => {
  const missing = (): never => {
    throw new Error('not there');
  };
  assert.throws(
    () => api(missing),
    /needs @opentelemetry\/api from 1\.3 up to 2, but it could not be loaded: npm install/,
  );
  const folder = join(withTempDir(t), 'node_modules', '@opentelemetry', 'api');
  for (const [version, code] of [
    ['1.2.0', 'exports.trace = {}'],
    ['2.0.0', 'exports.metrics = { setGlobalMeterProvider() {} }'],
  ]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.js'), code);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: '@opentelemetry/api', version }));
    const load = Object.assign(() => require(folder), { resolve: () => join(folder, 'index.js') });
    delete require.cache[join(folder, 'index.js')];
    assert.throws(() => api(load), {
      code: 'ERR_INVALID_ARGUMENT',
      message: new RegExp(`version ${version} was found`),
    });
  }
  assert.equal(typeof api().metrics.getMeter, 'function');
});

test('the preload makes the provider that libraries find, by require and by import', () => {
  const script = `
    require('@opentelemetry/api').metrics.getMeter('m').createCounter('hits').add(3);
    require('prom-multiproc').register.metrics().then((text) => console.log(text));`;
  for (const flag of ['--require', '--import']) {
    const { stdout, stderr } = run(script, flag, 'prom-multiproc/otel/register');
    assert.match(stdout, /^hits_total\{otel_scope_name="m"\} 3$/m, stderr);
    assert.equal(stderr, '');
  }
});

test('a provider that was there before stays, with a warning', () => {
  const script = `
    const { metrics } = require('@opentelemetry/api');
    const { registerMeterProvider } = require('prom-multiproc/otel');
    const first = registerMeterProvider();
    registerMeterProvider();
    console.log(metrics.getMeterProvider() === first);`;
  const { stdout, stderr } = run(script);
  assert.equal(stdout, 'true\n');
  assert.match(stderr, /^prom-multiproc: OpenTelemetry has another meter provider already/);
});

test('ECMAScript modules import the provider by name', () => {
  const script = "import { MeterProvider } from 'prom-multiproc/otel'; console.log(typeof MeterProvider)";
  const stdout = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(stdout, 'function\n');
});

test('the package without it loads neither the provider nor the API', () => {
  const script = `
    const { Counter } = require('prom-multiproc');
    new Counter({ name: 'a_total', help: 'h', enableExemplars: 'trace' }).inc();
    console.log(Object.keys(require.cache).filter((file) => /opentelemetry|src.otel/.test(file)).length);`;
  assert.equal(run(script).stdout, '0\n');
});
