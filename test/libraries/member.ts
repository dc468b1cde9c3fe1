/**
 * A cluster that runs one of ./apps: the primary forks two workers, each of which serves the app on a port of its own, so
 * that a test can choose whom it asks.
 */
import cluster from 'node:cluster';
import { join } from 'node:path';

/** What a module of ./apps has. */
export interface App {
  /** Serves on the first port of 127.0.0.1; no other process has the second. */
  start(port: number, sparePort: number): unknown;
}

export interface Listening {
  readonly pid: number;
  readonly port: number;
}

const [name, first, second, ...spare] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (const [at, port] of [first, second].entries()) {
    cluster
      .fork({ APP_PORT: port, SPARE_PORT: spare[at] })
      .on('message', (message: Listening) => process.send?.(message));
  }
  // a test that ended in the middle leaves no process behind
  process.on('disconnect', () => process.exit());
} else {
  const port = Number(process.env.APP_PORT);
  const app = require(join(__dirname, 'programs', `${name}.js`)) as App;
  void Promise.resolve(app.start(port, Number(process.env.SPARE_PORT))).then(() =>
    process.send?.({ pid: process.pid, port } satisfies Listening),
  );
}
