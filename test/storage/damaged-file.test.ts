/** A file that another program truncates or overwrites while its process counts. */
import assert from 'node:assert/strict';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { forkProgram } from '../support/forked-program.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { fileKinds } from '../support/written-file.js';
import type { StoreState, Order } from './programs/counting.js';

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'is emptied, as by copytruncate': (path) => truncateSync(path, 0),
  'is cut off in the middle': (path) => truncateSync(path, 4096 + 100),
  'is written over': (path) => writeFileSync(path, Buffer.alloc(1024 * 1024, 'x')),
};

for (const kind of fileKinds()) {
  for (const [name, damage] of Object.entries(DAMAGES)) {
    test(`${kind}: a file that ${name} is created again at the next heartbeat`, async (t) => {
      const dir = withTempDir(t);
      const application = forkProgram(t, 'storage/programs/counting', [], {
        env: {
          ...process.env,
          PROMETHEUS_MULTIPROC_DIR: dir,
          PROM_MULTIPROC_NO_MMAP: kind === 'written' ? '1' : undefined,
        },
      });
      const tell = (order: Order): Promise<StoreState> => application.ask<StoreState>(order);
      await tell({ order: 'count', from: 0, series: 3 });
      await tell({ order: 'maintain' });
      const files = (): string[] => readdirSync(dir).filter((each) => each.endsWith('.prom-mp'));
      const [path] = files();
      damage(join(dir, path));
      const { descriptors } = await tell({ order: 'maintain' });
      assert.equal(files().length, 1);
      assert.notEqual(files()[0], path);
      await tell({ order: 'count', from: 0, series: 3 });
      await tell({ order: 'maintain' });
      // counts in the lost part of a mapped file are lost
      const expected = kind === 'written' ? 2 : 1;
      assert.deepEqual(
        valuesIn(dir),
        Object.fromEntries([0, 1, 2].map((at) => [`jobs_total{kind="${at}"}`, expected])),
      );
      assert.equal((await tell({ order: 'maintain' })).descriptors, descriptors);
      assert.match(application.output, /cut off or written over by another program; it is created again/);
    });
  }
}
