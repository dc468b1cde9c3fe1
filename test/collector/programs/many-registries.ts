/** A server of metrics with as many registries as the argument tells; it reports how many descriptors their scrapes opened. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Counter, metricsHandler, register, Registry } from 'prom-multiproc';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ask } from '../../support/http-request.js';

const DESCRIPTORS = '/proc/self/fd';
/** The number of open files of the directory. */
function opened(): number {
  return readdirSync(DESCRIPTORS).filter((descriptor) => {
    try {
      return readlinkSync(join(DESCRIPTORS, descriptor)).startsWith(process.env.PROMETHEUS_MULTIPROC_DIR!);
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

async function main(): Promise<void> {
  const registries = Array.from({ length: Number(process.argv[2]) }, () => {
    const registry = new Registry();
    new Counter({ name: 'tenant_total', help: 'Of a tenant.', registers: [registry] }).inc();
    return registry;
  });
  const server = createServer(metricsHandler()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const before = opened();
  const jobs = Number(/^jobs_total (\d+)$/m.exec(await register.metrics())?.[1]);
  const first = opened();
  let tenants = 0;
  for (const registry of registries) if ((await registry.metrics()).includes('tenant_total 1')) tenants++;
  await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  process.send!({ jobs, tenants, openedByFirst: first - before, openedByOthers: opened() - first });
  server.close();
}

void main();
