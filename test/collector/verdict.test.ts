import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import type { ProcessInfo } from '../../src/collector/report.js';
import { RULES, type VerdictInput, verdictOf } from '../../src/collector/verdict.js';

const NOW = 1_800_000_000;

function processOf(differences: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    ...{ pid: 100, thread: 0, state: 'live', startedAt: NOW - 600, series: 10, sizeBytes: 4096, lastBeatAt: NOW - 2 },
    ...{ hostName: hostname(), file: '100-0-a.prom-mp', kind: 'node', vitals: undefined, endedNormally: false },
    ...differences,
  };
}

/** A healthy directory with two processes, and what differs from it. */
function rulesOf(differences: Partial<VerdictInput>): string[] {
  const processes = [processOf(), processOf({ pid: 101, file: '101-0-a.prom-mp' })];
  const findings = verdictOf({
    collectedAtMs: NOW * 1000,
    stats: { live: 2, unknown: 0, bytesInMemory: 0 },
    folding: { waitingFiles: 0 },
    families: [{ name: 'jobs_total', series: 1000, newSeries: 100 }],
    ...{ processes, skippedFiles: [], conflicts: [], ...differences },
  });
  return findings.map(({ rule, level, text }) => `${rule} ${level}: ${text}`);
}

const vitals = (measured: Partial<NonNullable<ProcessInfo['vitals']>>): Partial<ProcessInfo> => ({
  vitals: measured,
});

/** What each rule finds, and beside it what it does not. */
const CASES: Readonly<Record<string, { found: Partial<VerdictInput>; texts: string[]; not: Partial<VerdictInput>[] }>> =
  {
    stale: {
      found: { processes: [processOf({ lastBeatAt: NOW - 20 })] },
      texts: [
        'stale bad: process 100 does not react: its last beat was 20 s ago, so its event loop is blocked or it is stopped',
      ],
      not: [
        { processes: [processOf({ lastBeatAt: NOW - 20, hostName: 'another' })] },
        { processes: [processOf({ lastBeatAt: NOW - 20, thread: 3 })] },
        { processes: [processOf({ lastBeatAt: undefined, kind: 'python' })] },
      ],
    },
    killed: {
      found: { processes: [processOf({ state: 'dead', lastBeatAt: NOW - 9 })] },
      texts: ['killed bad: process 100 was killed or crashed: its last beat was 9 s ago'],
      not: [
        { processes: [processOf({ state: 'dead', endedNormally: true })] },
        { processes: [processOf({ state: 'dead', lastBeatAt: NOW - 301 })] },
      ],
    },
    none: {
      found: { stats: { live: 0, unknown: 0, bytesInMemory: 0 } },
      texts: ['none bad: no living process uses the directory'],
      not: [{ stats: { live: 0, unknown: 1, bytesInMemory: 0 } }],
    },
    lag: {
      found: {
        processes: [
          processOf(vitals({ loopLagSeconds: 0.25 })),
          processOf(vitals({ loopLagSeconds: 1.5 })),
          processOf(vitals({ loopShare: 0.99 })),
        ],
      },
      texts: [
        'lag bad: the event loop of process 100 stood still for 1.5 s',
        'lag warning: the event loop of process 100 stood still for 250 ms',
        'lag warning: the event loop of process 100 is busy for 99 % of the time',
      ],
      not: [{ processes: [processOf(vitals({ loopLagSeconds: 0.1, loopShare: 0.95 }))] }],
    },
    failing: {
      found: { processes: [processOf({ requests: { perSecond: 20, failedPerSecond: 3, seconds: 10 } })] },
      texts: ['failing bad: process 100 fails 15 % of its requests with a status of 5xx'],
      not: [
        { processes: [processOf({ requests: { perSecond: 20, failedPerSecond: 0.9, seconds: 10 } })] },
        { processes: [processOf({ requests: { perSecond: 1, failedPerSecond: 0.2, seconds: 10 } })] },
        { processes: [processOf({ requests: { perSecond: 20, failedPerSecond: undefined, seconds: 10 } })] },
      ],
    },
    memory: {
      found: {
        processes: [60, 70, 400].map((mib) => processOf({ pid: mib, ...vitals({ residentBytes: mib * 2 ** 20 }) })),
      },
      texts: ['memory warning: process 400 holds 400 MiB of memory, where the others hold about 70 MiB'],
      not: [
        { processes: [60, 400].map((mib) => processOf(vitals({ residentBytes: mib * 2 ** 20 }))) },
        { processes: [20, 20, 60].map((mib) => processOf(vitals({ residentBytes: mib * 2 ** 20 }))) },
      ],
    },
    skipped: {
      found: {
        skippedFiles: [{ name: '1-0-b.prom-mp', reason: 'not_a_metrics_file', error: 'has another magic number' }],
      },
      texts: ['skipped bad: the file 1-0-b.prom-mp is skipped (not a metrics file): its counts are missing'],
      not: [{ skippedFiles: [] }],
    },
    'memory-mode': {
      found: { stats: { live: 2, unknown: 0, bytesInMemory: 512 } },
      texts: [
        'memory-mode bad: 512 bytes of metrics are counted in memory for want of room, and are lost when their process dies',
      ],
      not: [{ stats: { live: 2, unknown: 0, bytesInMemory: 0 } }],
    },
    full: {
      found: { processes: [processOf(vitals({ seriesShare: 0.93 })), processOf(vitals({ seriesShare: 1 }))] },
      texts: [
        'full bad: process 100 has reached its limit of series: further samples are dropped',
        'full warning: process 100 has 93 % of the series that it may have',
      ],
      not: [
        { processes: [processOf(vitals({ seriesShare: 0.89 }))] },
        { processes: [processOf({ state: 'dead', endedNormally: true, ...vitals({ seriesShare: 1 }) })] },
      ],
    },
    growth: {
      found: { families: [{ name: 'hits_total', series: 700, newSeries: 300 }] },
      texts: [
        'growth warning: hits_total grew from 400 to 700 series within the hour: a label may have too many values',
      ],
      not: [
        { families: [{ name: 'hits_total', series: 300, newSeries: 300 }] },
        { families: [{ name: 'hits_total', series: 299, newSeries: 199 }] },
        { families: [{ name: 'hits_total', series: 1000, newSeries: 300 }] },
      ],
    },
    conflict: {
      found: {
        conflicts: [{ family: 'jobs_total', reason: 'help', text: 'processes declare jobs_total differently (help)' }],
      },
      texts: ['conflict warning: processes declare jobs_total differently (help)'],
      not: [{ conflicts: [] }],
    },
    folding: {
      found: { folding: { waitingFiles: 101 } },
      texts: ['folding warning: 101 files of dead processes wait to be folded: each scrape reads them'],
      not: [{ folding: { waitingFiles: 100 } }],
    },
  };

describe('the verdict on a directory', () => {
  it('is empty where all is well', () => assert.deepEqual(rulesOf({}), []));

  for (const { name } of RULES) {
    it(`has the finding of the rule «${name}», and only where it holds`, () => {
      const { found, texts, not } = CASES[name];
      assert.deepEqual(rulesOf(found), texts);
      for (const input of not) assert.deepEqual(rulesOf(input), [], JSON.stringify(input));
    });
  }

  it('has the five worst findings of a rule, and the number of the others', () => {
    const processes = [12, 9, 30, 11, 25, 10, 40, 20].map((age) => processOf({ lastBeatAt: NOW - age, pid: age }));
    const findings = rulesOf({ processes });
    assert.deepEqual(
      findings.slice(0, 5).map((text) => /process (\d+)/.exec(text)?.[1]),
      ['40', '30', '25', '20', '12'],
    );
    assert.equal(findings.at(-1), 'stale bad: 3 more like that');
    assert.equal(findings.length, 6);
  });

  it('has the bad findings first', () => {
    const levels = rulesOf({
      processes: [processOf(vitals({ loopLagSeconds: 0.2 }))],
      stats: { live: 1, unknown: 0, bytesInMemory: 9 },
    });
    assert.deepEqual(
      levels.map((text) => text.split(' ', 1)[0]),
      ['memory-mode', 'lag'],
    );
  });
});
