import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StateSet } from 'prom-multiproc';
import { openMetricsRegistry } from '../support/local-registry.js';

const states = ['starting', 'running', 'stopped'] as const;

describe('StateSet', () => {
  it('has a series for each state, with 1 for the current state', async () => {
    const registry = openMetricsRegistry();
    const status = new StateSet({ name: 'status', help: 'Status.', states, registers: [registry] });
    assert.equal(await registry.metrics(), '# HELP status Status.\n# TYPE status stateset\n# EOF\n');
    status.state('running');
    status.state('stopped');
    assert.equal(
      await registry.metrics(),
      '# HELP status Status.\n# TYPE status stateset\n' +
        'status{status="starting"} 0\nstatus{status="running"} 0\nstatus{status="stopped"} 1\n# EOF\n',
    );
  });

  it('has a state for each set of labels', async () => {
    const status = new StateSet({ name: 'status', help: 'Status.', states, labelNames: ['part'], registers: [] });
    status.labels('db').state('running');
    status.state({ part: 'web' }, 'starting');
    status.labels({ part: 'gone' }).state('running');
    status.remove('gone');
    const holding = (await status.get()).values.filter(({ value }) => value === 1).map(({ labels }) => labels);
    assert.deepEqual(holding, [
      { part: 'db', status: 'running' },
      { part: 'web', status: 'starting' },
    ]);
    status.reset();
    assert.deepEqual((await status.get()).values, []);
  });

  it('refuses undeclared states', () => {
    const status = new StateSet({ name: 'status', help: 'Status.', states, registers: [] });
    assert.throws(() => status.state('broken' as never), {
      code: 'ERR_INVALID_ARGUMENT',
      message: "'broken' is no state of status: it is one of starting, running, stopped",
    });
    assert.throws(() => status.state({ part: 'x' } as never, 'running'), /Added label "part"/);
  });

  it('refuses invalid lists of states, and a name that cannot be a label name', () => {
    const make = (config: object) => () =>
      new StateSet({ name: 'status', help: 'S.', states, registers: [], ...config });
    for (const wrong of [[], ['a', 'a'], [1], 'ab', undefined]) {
      assert.throws(make({ states: wrong }), { code: 'ERR_INVALID_ARGUMENT' });
    }
    assert.throws(make({ name: 'a:b' }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.throws(make({ labelNames: ['status'] }), { code: 'ERR_INVALID_ARGUMENT' });
  });
});
