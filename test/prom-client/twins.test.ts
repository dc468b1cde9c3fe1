/**
 * Programs that aggregate by hand, as prom-client's users had to: they print the same with prom-client, with this package
 * in its place by the preload hook, and with this package by name. test/e2e/pm2/registries.test.ts has them under PM2.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerPath } from 'prom-multiproc';
import { startProgram } from '../support/program.js';
import { AGGREGATED_LINES } from './aggregated-lines.js';

// The programs read what they have counted at once, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

interface Twin {
  readonly file: string;
  readonly args?: readonly string[];
  /** With prom-client. */
  readonly prints: readonly string[];
  /** Where registries merge here and not there. */
  readonly merged?: readonly string[];
}

const AGGREGATED: Twin = {
  file: 'json-aggregate',
  prints: AGGREGATED_LINES,
};

const PRIMARY_AND_WORKERS: Twin = {
  file: 'primary-and-workers',
  prints: [
    'workers: ticks_total 2',
    'workers: worker_requests_total 10',
    'primary: primary_workers 2',
    'primary: ticks_total 100',
  ],
};

const PROBES: Twin = {
  file: 'probes',
  prints: ['a0', 'a1', 'b0', 'b1'].flatMap((target) => [
    'probe_duration_seconds 1',
    `probe_success{target="${target}"} 1`,
  ]),
};

const MODULES: Twin = {
  file: 'modules',
  prints: ['shop: hits_total 1', 'shop: shop_orders_total 1', 'admin: admin_logins_total 1', 'admin: hits_total 10'],
  merged: ['shop: hits_total 2', 'shop: shop_orders_total 2', 'admin: admin_logins_total 2', 'admin: hits_total 20'],
};

const OWN_REGISTRY: Twin = {
  file: 'own-registry',
  prints: ['main: requests_total{app="shop"} 100', 'helper: requests_total{app="shop"} 1'],
};

const LATE_REGISTRY: Twin = {
  file: 'late-registry',
  prints: [
    'young: jobs_total 1,jobs_total 1',
    'old: jobs_total 1,jobs_total 1',
    'one of two: jobs_total 1,jobs_total 1',
  ],
  merged: [
    'young: jobs_total 1,jobs_total 1',
    'old: jobs_total 2,jobs_total 2',
    'one of two: jobs_total 1,jobs_total 1',
  ],
};

const CHOSEN_REGISTRIES: Twin = {
  file: 'several-registries',
  prints: [
    'alone_total{via="merged"} 2',
    'both_total{kind="x",via="merged"} 10',
    'load{part="own",via="merged"} 2',
    'wait_count{via="merged"} 2',
    'wait_sum{via="merged"} 4',
  ],
};

function waits(value: number): string[] {
  return ['admin{part="admin"}', 'merged{via="merged"}', 'bare'].flatMap((registry) => {
    const [name, labels] = registry.split(/(?=\{)/);
    return [`${name}: wait_count${labels ?? ''} ${value}`, `${name}: wait_sum${labels ?? ''} ${2 * value}`];
  });
}

const TWINS: Readonly<Record<string, Twin>> = {
  'cluster workers hand getMetricsAsJSON() to the primary, which aggregates': AGGREGATED,
  'worker threads hand getMetricsAsJSON() to the main thread, which aggregates': { ...AGGREGATED, args: ['threads'] },
  'a primary shows clusterMetrics() and its own registry': PRIMARY_AND_WORKERS,
  'a primary shows clusterMetrics() and its default registry': { ...PRIMARY_AND_WORKERS, args: ['workers', 'default'] },
  'a registry for each request, in cluster workers': PROBES,
  'a registry for each request, in threads': { ...PROBES, args: ['threads'] },
  'modules that load in another order in one cluster worker': MODULES,
  'modules that load in another order in one thread': { ...MODULES, args: ['threads'] },
  'a registry without a name in a primary and its workers': {
    ...OWN_REGISTRY,
    merged: ['main: requests_total{app="shop"} 100', 'helper: requests_total{app="shop"} 3'],
  },
  'a registry without a name in a process and its threads': {
    ...OWN_REGISTRY,
    args: ['threads'],
    merged: ['main: requests_total{app="shop"} 103', 'helper: requests_total{app="shop"} 103'],
  },
  'a registry that others are merged into': {
    file: 'merged-registry',
    prints: ['app', 'later', 'library'].map((name) => `${name}_total{service="shop"} 1`),
  },
  'a merged registry that workers give to setRegistries()': { ...CHOSEN_REGISTRIES, args: ['workers', 'merged'] },
  'a registry beside the default one that workers give to setRegistries()': {
    ...CHOSEN_REGISTRIES,
    args: ['workers', 'admin'],
    prints: [
      'both_total{kind="x",part="admin"} 10',
      'load{part="own"} 2',
      'wait_count{part="admin"} 2',
      'wait_sum{part="admin"} 4',
    ],
  },
  'a metric in two registries with different default labels, and in one that they are merged into': {
    ...CHOSEN_REGISTRIES,
    args: ['workers', 'none'],
    prints: waits(1),
    merged: waits(2),
  },
  'a registry that is made late, in cluster workers': LATE_REGISTRY,
  'a registry that is made late, in threads': { ...LATE_REGISTRY, args: ['threads'] },
};

const CLIENTS = {
  'prom-client': { flags: [], env: {} },
  'the preload hook': { flags: ['--import', registerPath()], env: {} },
  'this package by name': { flags: [], env: { CLIENT: 'prom-multiproc' } },
};

for (const [what, { file, args = [], prints, merged = prints }] of Object.entries(TWINS)) {
  for (const [name, { flags, env }] of Object.entries(CLIENTS)) {
    test(`${what}: right with ${name}`, async (t) => {
      const path = join(__dirname, 'programs', `${file}.js`);
      const program = startProgram(t, process.execPath, [...flags, path, ...args], env);
      assert.equal(await program.ended(), 0, program.output());
      assert.deepEqual(program.output().trimEnd().split('\n'), name === 'prom-client' ? prints : merged);
    });
  }
}
