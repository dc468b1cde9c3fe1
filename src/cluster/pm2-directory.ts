import { resolve } from 'node:path';
import { pm2AppDirectory } from '../directory/locate.js';
import { DEFAULT_NAMESPACE, pm2Home } from '../directory/pm2-app.js';
import { PromMultiprocError } from '../errors.js';

/** An app as it stands in an ecosystem file; of its options those that its directory depends on. */
export interface Pm2AppOptions {
  readonly name: string;
  readonly script: string;
  /** What `script` is relative to. Default: the working directory, as with PM2. */
  readonly cwd?: string;
  readonly namespace?: string;
  /** PM2's user to run as: refused, for the directory of another user's app is not told by the app alone. */
  readonly uid?: number | string;
  readonly user?: string;
}

/**
 * The directory that the instances of a PM2 app count in when PROMETHEUS_MULTIPROC_DIR is not set, for another app of the
 * same user and PM2 daemon to serve: called in the ecosystem file, or in a sidecar. Makes nothing.
 *
 * ```js
 * const shop = { name: 'shop', script: join(__dirname, 'app.js'), instances: 4 };
 * const metrics = { name: 'metrics', script: 'sidecar.js', env: { PROMETHEUS_MULTIPROC_DIR: pm2Directory(shop) } };
 * module.exports = { apps: [shop, metrics] };
 * ```
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for an app without name or script, or with a user of its own
 */
export function pm2Directory(app: Pm2AppOptions): string {
  for (const option of ['name', 'script'] as const) {
    const value: unknown = app?.[option];
    if (typeof value === 'string' && value !== '') continue;
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `pm2Directory got an app with the ${option} ${describe(value)}: give it name and script as in the ecosystem file`,
    );
  }
  const user = app.uid ?? app.user;
  if (user !== undefined && user !== process.geteuid?.()) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `pm2Directory got ${JSON.stringify(app.name)}, which runs as the user ${describe(user)}: its directory is that ` +
        "user's; name one in PROMETHEUS_MULTIPROC_DIR for the app and the sidecar instead",
    );
  }
  const { name, script, cwd = '', namespace = DEFAULT_NAMESPACE } = app;
  return pm2AppDirectory({ home: pm2Home(process.env.PM2_HOME), namespace, name, script: resolve(cwd, script) }).dir;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
