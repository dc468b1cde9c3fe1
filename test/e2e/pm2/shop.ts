/** The shop (apps/shop.ts) under a separate PM2: two instances, in either of PM2's modes. */
import { join } from 'node:path';
import { MultiprocessCollector } from 'prom-multiproc';
import { type App, eventually, type Pm2 } from '../../support/pm2.js';
import { freePort } from '../../support/program.js';
import { ordersIn, scrapeEach, written } from './customers.js';

export type Mode = 'cluster' | 'fork';

/** Two instances, and one more for `pm2 scale`. */
export const MAX_INSTANCES = 3;

/** Heap out-of-memory comes after half a second. */
const HEAP = '--max-old-space-size=24';

export class Shop {
  readonly pm2: Pm2;
  /** The app with the options of its last start. */
  app: App;
  /** In cluster mode one for all instances, in fork mode one each. */
  readonly ports: readonly number[];
  /** Ports for the maximum number of instances. */
  readonly allPorts: readonly number[];
  #isStarted = false;

  private constructor(pm2: Pm2, mode: Mode, firstPort: number, name: string) {
    this.pm2 = pm2;
    this.allPorts = Array.from({ length: mode === 'fork' ? MAX_INSTANCES : 1 }, (_, at) => firstPort + at);
    this.ports = this.allPorts.slice(0, 2);
    this.app = {
      name,
      script: join(__dirname, 'programs/shop.js'),
      exec_mode: mode,
      instances: 2,
      increment_var: mode === 'fork' ? 'PORT' : undefined,
      node_args: [HEAP],
      kill_timeout: 10_000,
      env: { PORT: String(firstPort) },
    };
  }

  static async open(pm2: Pm2, mode: Mode, name = 'shop'): Promise<Shop> {
    const shop = new Shop(pm2, mode, await freePort(mode === 'fork' ? MAX_INSTANCES : 1), name);
    await shop.start();
    return shop;
  }

  /** Starts the app, or starts it again. */
  async start({ env, ...options }: Partial<App> = {}): Promise<void> {
    if (this.#isStarted) await this.pm2.run(['delete', this.app.name]);
    this.#isStarted = true;
    this.app = { ...this.app, ...options, env: { ...this.app.env, ...env } };
    await this.pm2.start(this.app);
    await this.instancesUp(2);
  }

  /** Waits until that many instances respond that are not in `except`. Returns their pids, ascending. */
  async instancesUp(count: number, except: readonly number[] = []): Promise<number[]> {
    const pids = await eventually(`${count} instances`, () => {
      const online = this.pids;
      return online.length === count && !online.some((pid) => except.includes(pid)) ? online : undefined;
    });
    await scrapeEach(pids, this.allPorts);
    return pids;
  }

  get pids(): number[] {
    return this.pm2.pids(this.app.name);
  }

  get directory(): string {
    return this.pm2.directoryOf(this.app);
  }

  /** The counts of all instances, read by this process: no instance needs to be alive. */
  async total(): Promise<number> {
    await written();
    const collector = new MultiprocessCollector({ dir: this.directory });
    try {
      const { body } = await collector.metrics({ format: 'text' });
      return ordersIn(Buffer.from(body).toString());
    } finally {
      await collector.close();
    }
  }
}
