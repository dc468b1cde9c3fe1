/** The program of the bakery's threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { Counter } from 'prom-multiproc';

const loaves = new Counter({ name: 'loaves_total', help: 'Loaves baked', labelNames: ['where'] });

export function bake(where: string): void {
  loaves.inc({ where });
}

const { bakes } = (workerData ?? {}) as { bakes?: string };
if (bakes !== undefined) {
  bake(bakes);
  parentPort?.postMessage('baked');
}
