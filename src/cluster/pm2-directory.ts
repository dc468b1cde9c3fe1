import { resolve } from 'node:path';
import { pm2AppPath } from '../directory/derived-directory.js';
import { DEFAULT_NAMESPACE, pm2Home } from '../directory/pm2-app.js';
import { invalidArgument, shownValue } from '../errors.js';

/** An app of an ecosystem file: the options that its directory depends on. */
export interface Pm2AppOptions {
  readonly name: string;
  readonly script: string;
  /** The directory that a relative `script` starts from. Default: the working directory, as with PM2. */
  readonly cwd?: string;
  readonly namespace?: string;
  /** The user that PM2 runs the app as. Refused: the directory of another user's app does not follow from the app alone. */
  readonly uid?: number | string;
  readonly user?: string;
}

/**
 * The directory that the instances of a PM2 app use when PROMETHEUS_MULTIPROC_DIR is not set, so that another app of the
 * same user and PM2 daemon can serve it. Call it in the ecosystem file or in a sidecar. It makes no directory.
 *
 * ```js
 * const shop = { name: 'shop', script: join(__dirname, 'app.js'), instances: 4 };
 * const metrics = { name: 'metrics', script: 'sidecar.js', env: { PROMETHEUS_MULTIPROC_DIR: pm2Directory(shop) } };
 * module.exports = { apps: [shop, metrics] };
 * ```
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the app has no name or script, or has a `user`
 */
export function pm2Directory(app: Pm2AppOptions): string {
  for (const option of ['name', 'script'] as const) {
    const value: unknown = app?.[option];
    if (typeof value === 'string' && value !== '') continue;
    throw invalidArgument(
      `pm2Directory got an app with the ${option} ${shownValue(value)}: give it name and script as in the ecosystem file`,
    );
  }
  const user = app.uid ?? app.user;
  if (user !== undefined && user !== process.geteuid?.()) {
    throw invalidArgument(
      `pm2Directory got ${JSON.stringify(app.name)}, which runs as the user ${shownValue(user)}: its directory is that ` +
        "user's; name one in PROMETHEUS_MULTIPROC_DIR for the app and the sidecar instead",
    );
  }
  const { name, script, cwd = '', namespace = DEFAULT_NAMESPACE } = app;
  const home = pm2Home(process.env.PM2_HOME);
  return pm2AppPath({ home, namespace, name, script: resolve(cwd, script) }, process.env);
}
