/** The types of this package beside those of prom-client. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { compile } from '../support/compilation.js';

const ROOT = join(__dirname, '..', '..', '..');

// our own declarations are checked too
const STRICTEST = { noImplicitOverride: true, skipLibCheck: false };

test('an application that compiles against the types of prom-client compiles against ours, in both kinds of module', (t) => {
  // the build has compiled them against prom-client
  const both = [require.resolve('./typed-app.js'), require.resolve('./typed-library.js')];
  const [app, library] = both.map((compiled) => {
    const theirs = readFileSync(join(ROOT, relative(join(ROOT, 'dist'), compiled)).replace(/js$/, 'ts'), 'utf8');
    const ours = theirs.replaceAll("from 'prom-client'", "from 'prom-multiproc'");
    assert.notEqual(ours, theirs);
    return ours;
  });
  // libraries that are given a client want one of prom-client's type
  const given = `
    import * as theirs from 'prom-client';
    import theirDefault from 'prom-client';
    import * as ours from 'prom-multiproc';
    import ourDefault from 'prom-multiproc';
    export const client: typeof theirs = ours;
    export const byDefault: typeof theirDefault = ourDefault;
    export const counter: theirs.Counter<'a'> = new ours.Counter({ name: 'c', help: 'h', labelNames: ['a'] });
    export const registry: theirs.Registry = ours.register;
    export const metric: theirs.Metric = new ours.Gauge({ name: 'g', help: 'h' });`;
  const files = { 'app.cts': app, 'app.mts': app, 'library.cts': library, 'library.mts': library, 'given.mts': given };
  const { complaints } = compile(t, files, STRICTEST);
  assert.equal(complaints, '');
});

test('what is wrong by the types of prom-client is wrong by ours', (t) => {
  const wrong = [
    "new client.Counter({ name: 'c', help: 'h', labelNames: ['a'] }).inc({ b: 1 });",
    "new client.Counter({ name: 'c' });",
    "new client.Gauge({ name: 'g', help: 'h' }).set('1');",
    "new client.Gauge({ name: 'g', help: 'h', aggregator: 'averag' });",
    "new client.Histogram({ name: 'h', help: 'h', buckets: ['1'] });",
    "client.register.setContentType('text/plain');",
    'new client.Pushgateway();',
    'client.collectDefaultMetrics({ prefix: 1 });',
  ];
  const text = (name: string): string => [`import * as client from '${name}';`, ...wrong].join('\n');
  const files = { 'theirs.mts': text('prom-client'), 'ours.mts': text('prom-multiproc') };
  const { complaints } = compile(t, files, STRICTEST);
  for (const name of ['theirs', 'ours']) {
    const lines = [...complaints.matchAll(new RegExp(`^${name}\\.mts\\((\\d+),`, 'gm'))].map(([, line]) =>
      Number(line),
    );
    assert.deepEqual(
      lines,
      wrong.map((_line, at) => at + 2),
      name,
    );
  }
});

test('with the preload hook, the types of prom-client have our additions', (t) => {
  const text = `
    import 'prom-multiproc/register';
    import { collectDefaultMetrics, Gauge, register } from 'prom-client';
    export const gauge = new Gauge({ name: 'g', help: 'h', labelNames: ['a'], multiprocessMode: 'livemax' });
    export const mode: string = gauge.multiprocessMode;
    export const own = register.metrics({ scope: 'process' });
    collectDefaultMetrics({ perProcess: true });
    // @ts-expect-error there is no such mode
    new Gauge({ name: 'g', help: 'h', multiprocessMode: 'median' });`;
  assert.equal(compile(t, { 'app.mts': text }, STRICTEST).complaints, '');
});
