import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { PromMultiprocError } from '../errors.js';
import { type HttpServerOptions, type RunningServer, startHttpServer } from '../serve/listen/http-server.js';
import { warnOnce } from '../serve/warning.js';
import { existingTarget } from '../directory/check-directory.js';
import { chooseForCommand } from '../directory/choose.js';
import { plain, print } from './print.js';

interface ServeOptions {
  readonly dir?: string;
  readonly registry?: readonly string[];
  readonly 'web.listenAddress': readonly string[];
  readonly 'web.telemetryPath': string;
  readonly 'web.config.file'?: string;
}

/** Serves until SIGTERM or SIGINT, and then finishes the responses in progress. */
export async function serveCommand(options: ServeOptions): Promise<void> {
  const chosen = chooseForCommand(options.dir);
  existingTarget(chosen);
  const { dir } = chosen;
  const collector = new MultiprocessCollector({ dir, registry: options.registry ?? 'all' });
  const path = options['web.telemetryPath'];
  const servers: RunningServer[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    await collector.close();
  };
  const rules = {
    source: collector,
    path,
    webConfigFile: options['web.config.file'],
    onWarning: warn,
    onError: warnOnce('a scrape failed', warn),
  };
  try {
    for (const where of options['web.listenAddress'].map(listenOptions)) {
      servers.push(await startHttpServer({ ...rules, ...where }));
    }
  } catch (error) {
    await end();
    throw error;
  }
  for (const { url } of servers) {
    print(`serving the metrics of ${dir} on ${url.startsWith('unix:') ? `${url}, path ${path}` : url + path}`);
  }
  process.once('SIGTERM', () => void end());
  process.once('SIGINT', () => void end());
}

/** Writes to the standard error with the prefix of all log messages of this package. */
function warn(message: string): void {
  process.stderr.write(`prom-multiproc: ${plain(message)}\n`);
}

/** `host:port`, `:port`, `[::1]:port` or `unix:/path`. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
function listenOptions(address: string): Pick<HttpServerOptions, 'host' | 'port' | 'socketPath'> {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `--web.listen-address ${JSON.stringify(address)} is not an address: give host:port, :port, [::1]:port or unix:/path`,
    );
  }
  // as in Go, an empty host means every interface
  return { host: match[1] ?? (match[2] === '' ? '::' : match[2]), port };
}
