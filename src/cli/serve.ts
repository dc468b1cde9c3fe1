import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { invalidArgument } from '../errors.js';
import type { StatusSource } from '../serve/status/status-page.js';
import { type HttpServerOptions, type RunningServer, startHttpServer } from '../serve/listen/http-server.js';
import { warnOnce } from '../serve/warning.js';
import { existingTarget } from '../directory/check-directory.js';
import { chooseForCommand } from '../directory/choose.js';
import { positiveNumber } from './option-value.js';
import { plain, print } from './print.js';

interface ServeOptions {
  readonly dir?: string;
  readonly registry?: readonly string[];
  readonly 'web.listenAddress': readonly string[];
  readonly 'web.telemetryPath': string;
  readonly 'web.config.file'?: string;
  readonly 'web.systemdSocket'?: boolean;
  readonly name?: readonly string[];
  readonly created?: boolean;
  readonly strict?: boolean;
  readonly openmetrics2?: boolean;
  readonly deadRetention?: string;
  readonly fold: boolean;
  readonly foldFiles?: string;
}

/** Serves until SIGTERM or SIGINT, and then finishes the responses in progress. */
export async function serveCommand(options: ServeOptions): Promise<void> {
  const chosen = chooseForCommand(options.dir);
  existingTarget(chosen);
  const { dir } = chosen;
  const collector = new MultiprocessCollector({ dir, ...collectorOptions(options) });
  const path = options['web.telemetryPath'];
  const servers: RunningServer[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    await collector.close();
  };
  const rules = {
    source: sourceOf(collector, options.name),
    path,
    webConfigFile: options['web.config.file'],
    onWarning: warn,
    onError: warnOnce('a scrape failed', warn),
  };
  try {
    const addresses =
      options['web.systemdSocket'] === true ? systemdSockets() : options['web.listenAddress'].map(listenOptions);
    for (const where of addresses) {
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

function collectorOptions({ registry, created, strict, openmetrics2, deadRetention, fold, foldFiles }: ServeOptions) {
  return {
    registry: registry ?? 'all',
    created,
    strict,
    openMetrics2: openmetrics2,
    deadRetentionSeconds: deadRetention === undefined ? undefined : positiveNumber('--dead-retention', deadRetention),
    fold: fold
      ? { files: foldFiles === undefined ? undefined : positiveNumber('--fold-files', foldFiles) }
      : (false as const),
  };
}

/** @param names the metrics of scrapes that name none */
function sourceOf(collector: MultiprocessCollector, names: readonly string[] | undefined): StatusSource {
  if (names === undefined) return collector;
  return {
    metrics: (request) => collector.metrics({ names, ...request }),
    status: (charts, request) => collector.status(charts, request),
  };
}

/**
 * The sockets that systemd hands over (sd_listen_fds(3)): from descriptor 3 on, where LISTEN_PID is this process.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there is none
 */
function systemdSockets(): Pick<HttpServerOptions, 'fd'>[] {
  const { LISTEN_FDS: number = '0', LISTEN_PID: pid } = process.env;
  const sockets = Number(pid) === process.pid && /^\d{1,4}$/.test(number) ? Number(number) : 0;
  if (sockets > 0) return Array.from({ length: sockets }, (_, at) => ({ fd: 3 + at }));
  throw invalidArgument(
    '--web.systemd-socket: systemd has handed over no socket; start the service by its socket unit',
  );
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
    throw invalidArgument(
      `--web.listen-address ${JSON.stringify(address)} is not an address: give host:port, :port, [::1]:port or unix:/path`,
    );
  }
  // as in Go, an empty host means every interface
  return { host: match[1] ?? (match[2] === '' ? '::' : match[2]), port };
}
