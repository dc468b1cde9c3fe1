/** The process of a cluster that pushes. */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PushOptions } from 'prom-multiproc/push';
import { type PushRecord, readPushRecord } from '../../src/directory/push-record.js';
import type { Member } from './cluster.js';

const INTERVAL_MS = 500;

function lockFile(dir: string): string {
  return join(
    dir,
    readdirSync(dir).find((name) => name.startsWith('push-') && name.endsWith('.lock'))!,
  );
}

export function withLock<T>(dir: string, use: (fd: number) => T): T {
  const fd = openSync(lockFile(dir), 'r+');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

export function recordOf(dir: string): PushRecord | undefined {
  try {
    return withLock(dir, readPushRecord);
  } catch {
    return undefined;
  }
}

export async function pushFrom(members: readonly Member[], options: PushOptions): Promise<void> {
  const given = { intervalMs: INTERVAL_MS, labels: { job: 'app' }, ...options };
  for (const member of members) {
    await member.run((kit, own) => {
      const { startPush } = kit.require('prom-multiproc/push') as typeof import('prom-multiproc/push');
      kit.kept.push = startPush(own);
    }, given);
  }
}
