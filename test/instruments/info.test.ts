import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Info } from 'prom-multiproc';
import { localRegistry, openMetricsRegistry } from '../support/local-registry.js';

describe('Info', () => {
  it('shows its pairs as labels, those set last', async () => {
    const registry = openMetricsRegistry();
    const info = new Info({ name: 'build', help: 'What runs here.', registers: [registry] });
    assert.equal(await registry.metrics(), '# HELP build What runs here.\n# TYPE build info\n# EOF\n');
    info.set({ version: '1.0', revision: 7 });
    assert.match(await registry.metrics(), /^build_info\{version="1.0",revision="7"\} 1$/m);
    info.set({ version: '1.1', branch: 'main' });
    assert.equal(
      await registry.metrics(),
      '# HELP build What runs here.\n# TYPE build info\nbuild_info{version="1.1",branch="main"} 1\n# EOF\n',
    );
    info.reset();
    assert.doesNotMatch(await registry.metrics(), /build_info/);
  });

  it('is a gauge in the text format, with the name of its samples', async () => {
    const registry = localRegistry();
    new Info({ name: 'build_info', help: 'Build.', registers: [registry] }).set({ version: '1' });
    assert.equal(
      await registry.metrics(),
      '# HELP build_info Build.\n# TYPE build_info gauge\nbuild_info{version="1"} 1\n',
    );
  });

  it('has pairs for each set of labels', async () => {
    const registry = openMetricsRegistry();
    const info = new Info({ name: 'part', help: 'Parts.', labelNames: ['part'], registers: [registry] });
    info.set({ part: 'db' }, { version: '1' });
    info.labels('web').set({ version: '2', port: 80 });
    info.labels({ part: 'db' }).set({ engine: 'x' });
    info.set({ part: 'gone' }, { version: '3' });
    info.remove('gone');
    assert.deepEqual(
      (await info.get()).values.map(({ labels }) => labels),
      [
        { part: 'web', version: '2', port: '80' },
        { part: 'db', engine: 'x' },
      ],
    );
  });

  it('refuses pairs that cannot be labels, and labels that were not declared', () => {
    const info = new Info({ name: 'part', help: 'Parts.', labelNames: ['part'], registers: [] });
    assert.throws(() => info.set({ part: 'db' }, { part: 'x' }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.throws(() => info.set({ part: 'db' }, { 'a-b': 'x' }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.throws(() => info.set({ other: 'db' } as never, { a: 'x' }), /Added label "other"/);
    assert.throws(() => info.labels('a', 'b'), /Invalid number of arguments/);
  });

  it('leaves no series behind when the same pairs are set again and again', async () => {
    const info = new Info({ name: 'build', help: 'Build.', registers: [] });
    for (let round = 0; round < 3; round++) for (const version of ['1', '2']) info.set({ version });
    assert.equal((await info.get()).values.length, 1);
  });
});
