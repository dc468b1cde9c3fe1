import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as promClient from 'prom-client';
import { createdName } from '../../src/model/metric-kind.js';
import {
  assertNameAndHelp,
  counterBaseName,
  endsWithUnit,
  infoBaseName,
  isLabelName,
  validateMetricName,
} from '../../src/model/naming.js';

const NAMES = ['a', 'jobs_total', 'ns:jobs:rate5m', ':a', '_', 'a1', '', '1a', 'a-b', 'a b', 'a\n', 'é', 'a.b', 'a{'];

describe('names', () => {
  it('are valid metric names exactly if they are valid in prom-client', () => {
    const { validateMetricName: theirs } = promClient as unknown as { validateMetricName: (name: string) => boolean };
    for (const name of NAMES) assert.equal(validateMetricName(name), theirs(name), JSON.stringify(name));
  });

  it('of labels have no colon', () => {
    assert.ok(isLabelName('method') && isLabelName('_x1') && isLabelName('__proto__'));
    for (const name of ['a:b', '1a', '', 'a-b', 'a\n', 'a"']) assert.ok(!isLabelName(name), JSON.stringify(name));
  });

  it('that are missing or wrong throw the errors of prom-client, in its order', () => {
    const cases: [name: unknown, help: unknown][] = [
      ['', ''],
      [undefined, 'help'],
      ['a', undefined],
      ['a', ''],
      ['a b', ''],
      ['a b', 'help'],
      ['1', 'help'],
    ];
    for (const [name, help] of cases) {
      assert.throws(
        () => assertNameAndHelp(name, help),
        { message: messageOf(() => new promClient.Gauge({ name, help, registers: [] } as never)) },
        JSON.stringify([name, help]),
      );
    }
    assertNameAndHelp('a', 'help');
  });

  it('of counters lose _total for OpenMetrics, and without it have no family name', () => {
    assert.equal(counterBaseName('jobs_total'), 'jobs');
    assert.equal(counterBaseName('jobs_total_total'), 'jobs_total');
    assert.equal(counterBaseName('jobs_done'), undefined);
    assert.equal(counterBaseName('_total'), undefined);
  });

  it('of Info metrics are the same with _info and without', () => {
    assert.equal(infoBaseName('build'), 'build');
    assert.equal(infoBaseName('build_info'), 'build');
    assert.equal(infoBaseName('_info'), '_info');
  });

  it('of created samples leave out _total, only for counters', () => {
    assert.equal(createdName('jobs_total', 'counter'), 'jobs_created');
    assert.equal(createdName('jobs_done', 'counter'), 'jobs_done_created');
    assert.equal(createdName('size_total', 'histogram'), 'size_total_created');
  });

  it('fit a unit if they end with it as a separate word', () => {
    assert.ok(endsWithUnit('wait_seconds', 'seconds'));
    assert.ok(!endsWithUnit('seconds', 'seconds'));
    assert.ok(!endsWithUnit('milliseconds', 'seconds'));
  });
});

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}
