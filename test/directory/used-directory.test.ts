import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { onlyUsedOf } from '../../src/directory/used-directory.js';
import { startCluster } from '../support/cluster.js';
import { DeadProcess } from '../support/dead-process.js';
import { withTempDir } from '../support/temp-dir.js';

test('of several directories the one with a living process is chosen, and with two of those the user has to choose', async (t) => {
  const base = withTempDir(t, { checkFiles: false });
  const [dead, foreign, empty, living, alsoLiving] = ['a', 'b', 'c', 'd', 'e'].map((name) => join(base, name));
  for (const dir of [dead, foreign, empty, living, alsoLiving]) mkdirSync(dir, { mode: 0o700 });
  const { name } = new DeadProcess(dead).count('jobs_total', {}, 1).die();
  writeFileSync(join(foreign, name), 'no metrics file');
  assert.equal(onlyUsedOf([dead]), dead);
  assert.throws(() => onlyUsedOf([dead, foreign]), {
    code: 'ERR_NO_DIRECTORY',
    message: `there are 2 metrics directories: name one by --dir (${dead}, ${foreign})`,
  });

  const count = ({ prom }: { prom: typeof import('prom-multiproc') }): void =>
    new prom.Counter({ name: 'jobs_total', help: 'h' }).inc();
  const { workers } = await startCluster(t, living, 1);
  await workers[0].run(count);
  assert.equal(onlyUsedOf([dead, foreign, empty, living]), living);

  const other = await startCluster(t, alsoLiving, 1);
  await other.workers[0].run(count);
  assert.throws(() => onlyUsedOf([dead, living, alsoLiving]), {
    message: `there are 2 metrics directories in which processes live: name one by --dir (${living}, ${alsoLiving})`,
  });
});

test('without a directory, and with very many, the message contains only what helps', () => {
  assert.throws(() => onlyUsedOf([]), { message: 'name the metrics directory by --dir or PROMETHEUS_MULTIPROC_DIR' });
  const many = Array.from({ length: 13 }, (_, at) => `/nowhere/${at}`);
  assert.throws(() => onlyUsedOf(many), { message: /^there are 13 .*\/nowhere\/9, and 3 more\)$/ });
});
