import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRelease } from '../support/node-release.js';
import { npmPackage } from '../support/npm-package.js';
import { type LibraryRun, startLibrary } from './library-cluster.js';

interface Library extends Omit<LibraryRun, 'preload' | 'node'> {
  /** Apps that are given this package by hand. */
  readonly injected?: string;
  /** It counts hits of its own, and no HTTP requests. */
  readonly countsNoRequests?: boolean;
  /** A package that runs on Node 22 and later only: it is fetched, and its path is in the variable LIBRARY. */
  readonly onNode22?: () => Promise<string>;
}

const LIBRARIES: Readonly<Record<string, Library>> = {
  'express-prom-bundle 8': {
    app: 'express-prom-bundle',
    counts: { name: 'http_request_duration_seconds_count', labels: { path: '/hit', status_code: '200' } },
  },
  'express-prom-bundle 8, its cluster mode': {
    app: 'express-prom-bundle-cluster',
    counts: { name: 'http_request_duration_seconds_count', labels: { path: '/hit', status_code: '200' } },
  },
  'fastify-metrics 13.2': {
    app: 'fastify-metrics',
    injected: 'fastify-metrics-injected',
    counts: { name: 'http_request_duration_seconds_count', labels: { route: '/hit', status_code: '200' } },
  },
  'fastify-metrics 14.1 on Node 22': {
    app: 'fastify-metrics-14',
    injected: 'fastify-metrics-14-injected',
    onNode22: () => npmPackage('fastify-metrics', '14.1.0'),
    counts: { name: 'http_request_duration_seconds_count', labels: { route: '/hit', status_code: '200' } },
  },
  '@willsoto/nestjs-prometheus 6': {
    app: 'nestjs-prometheus',
    countsNoRequests: true,
    counts: { name: 'nest_hits_total', labels: { route: '/hit' } },
  },
  '@promster/express 14': {
    app: 'promster-express',
    counts: { name: 'http_requests_total', labels: { path: '/hit', status_code: '200' } },
  },
  '@promster/server 15': {
    app: 'promster-server',
    countsNoRequests: true,
    counts: { name: 'app_hits_total', labels: { route: '/hit' } },
  },
  'prometheus-api-metrics 4': {
    app: 'prometheus-api-metrics',
    counts: { name: 'http_request_duration_seconds_count', labels: { route: '/hit', code: '200' } },
  },
  '@hono/prometheus 1, its own registry': {
    app: 'hono-own-registry',
    counts: { name: 'http_requests_total', labels: { route: '/hit', status: '200' } },
  },
  '@hono/prometheus 1, the default registry': {
    app: 'hono-default-registry',
    counts: { name: 'http_requests_total', labels: { route: '/hit', status: '200' } },
  },
};

for (const [name, { app, injected, counts, countsNoRequests, onNode22 }] of Object.entries(LIBRARIES)) {
  const runs = [{ app, preload: true, how: 'preloaded' }];
  if (injected !== undefined) runs.push({ app: injected, preload: false, how: 'given this package' });
  for (const { how, ...run } of runs) {
    test(`${name}, ${how}: every request counts, from either worker, before and after a SIGKILL`, async (t) => {
      const node = onNode22 === undefined ? undefined : await nodeRelease(22);
      const cluster = await startLibrary(t, { ...run, counts, node, library: await onNode22?.() });
      const second = await cluster.assertKilledCounts();
      if (countsNoRequests === true) await cluster.hit(second, 2);
      else await cluster.hitAndSee(second, 2);
      await cluster.assertCounted(second, 9);
      // no warning, but that there is no mapping where there is none
      assert.equal(cluster.output.replaceAll(/^prom-multiproc: metrics are written on a timer: .*\n/gm, ''), '');
    });
  }
}
