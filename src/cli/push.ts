import { readFileSync } from 'node:fs';
import { existingTarget } from '../directory/check-directory.js';
import { chooseForCommand } from '../directory/choose.js';
import { invalidArgument } from '../errors.js';
import { type HttpTargetOptions, startPush } from '../push/start-push.js';
import { parseDurationMs } from '../serve/web-config/duration.js';
import { plain, print } from './print.js';

interface PushCommandOptions {
  readonly dir?: string;
  readonly remoteWrite?: string;
  readonly otlp?: string;
  readonly pushgateway?: string;
  readonly textfile?: string;
  readonly interval: string;
  readonly label?: readonly string[];
  readonly header?: readonly string[];
  readonly registry?: readonly string[];
  readonly bearerTokenFile?: string;
  readonly 'basicAuth.username'?: string;
  readonly 'basicAuth.passwordFile'?: string;
  readonly 'tls.caFile'?: string;
  readonly 'tls.certFile'?: string;
  readonly 'tls.keyFile'?: string;
}

/** Pushes until SIGTERM or SIGINT, and then sends the last values. */
export async function pushCommand(options: PushCommandOptions): Promise<void> {
  const chosen = chooseForCommand(options.dir);
  existingTarget(chosen);
  const { remoteWrite, otlp, pushgateway, textfile, interval, registry = 'all' } = options;
  const labels = Object.fromEntries(pairs('--label', '=', options.label));
  const { job: jobName = '', ...groupings } = labels;
  const push = startPush({
    ...{ dir: chosen.dir, registry, labels, intervalMs: intervalMs(interval) },
    ...(remoteWrite !== undefined && { remoteWrite: { url: remoteWrite, ...httpOptions(options) } }),
    ...(otlp !== undefined && { otlp: { url: otlp, ...httpOptions(options) } }),
    ...(pushgateway !== undefined && {
      pushgateway: { url: pushgateway, jobName, groupings, ...httpOptions(options) },
    }),
    ...(textfile !== undefined && { textfile: { path: textfile } }),
  });
  print(`pushing the metrics of ${plain(chosen.dir)} every ${plain(interval)}`);
  await stopSignal();
  await push.close();
}

/** Keeps the process alive until it is told to end: a push itself does not. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const life = setInterval(() => {}, 2 ** 31 - 1);
    const stop = (): void => {
      clearInterval(life);
      resolve();
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
function httpOptions(options: PushCommandOptions): Omit<HttpTargetOptions, 'url'> {
  const { bearerTokenFile, 'basicAuth.username': username, 'basicAuth.passwordFile': passwordFile } = options;
  const [ca, cert, key] = (['tls.caFile', 'tls.certFile', 'tls.keyFile'] as const).map((name) =>
    contents(options[name]),
  );
  return {
    ...(options.header !== undefined && { headers: Object.fromEntries(pairs('--header', ':', options.header)) }),
    ...(username !== undefined && { basicAuth: { username, passwordFile } }),
    ...(bearerTokenFile !== undefined && { bearerTokenFile }),
    ...([ca, cert, key].some((file) => file !== undefined) && { tls: { ca, cert, key } }),
  };
}

function contents(file: string | undefined): Buffer | undefined {
  return file === undefined ? undefined : readFileSync(file);
}

function pairs(option: string, separator: string, texts: readonly string[] = []): [string, string][] {
  return texts.map((text) => {
    const at = text.indexOf(separator);
    if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    throw invalidArgument(`${option} ${JSON.stringify(text)} is not a pair: give name${separator}value`);
  });
}

function intervalMs(interval: string): number {
  const ms = parseDurationMs(interval);
  if (ms !== undefined) return ms;
  throw invalidArgument(`--interval ${JSON.stringify(interval)} is not a duration: give it as 15s or 1m`);
}
