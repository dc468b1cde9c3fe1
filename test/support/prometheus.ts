/** A real Prometheus for a test, from Debian or another one, on a free port. It ends with the test. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { prometheus3 } from './needs.js';
import { freePort, startProgram } from './program.js';

export interface QueriedSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusOptions {
  /** Default: that of Debian, 2. */
  readonly version?: 3;
  readonly flags?: readonly string[];
  /** The address that it listens on. Default 127.0.0.1. */
  readonly host?: string;
}

export interface Prometheus {
  readonly url: string;
  /** Returns the instant vector of an expression, now or at a time in seconds since the epoch. */
  query(expression: string, time?: number): Promise<QueriedSample[]>;
  /** Returns the value of an expression with one sample; undefined while it has none. */
  value(expression: string, time?: number): Promise<number | undefined>;
}

/**
 * @param dir the directory for its data, and for its configuration unless that is a file already
 * @param config YAML (JSON is), or the path of a file
 */
export async function startPrometheus(
  t: TestContext,
  dir: string,
  config: object | string,
  { version, flags = [], host = '127.0.0.1' }: PrometheusOptions = {},
): Promise<Prometheus> {
  const file = typeof config === 'string' ? config : join(dir, 'prometheus.yml');
  const data = join(dir, 'prometheus-data');
  mkdirSync(data, { recursive: true });
  if (typeof config !== 'string') writeFileSync(file, JSON.stringify(config));
  const path = version === 3 ? join(prometheus3(), 'usr/bin/prometheus') : 'prometheus';
  const port = await freePort();
  const program = startProgram(t, path, [
    ...flags,
    `--config.file=${file}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${host}:${port}`,
  ]);
  await program.printed(/Server is ready to receive web requests/);
  const url = `http://${host}:${port}`;
  const query = async (expression: string, time?: number): Promise<QueriedSample[]> => {
    const at = time === undefined ? '' : `&time=${time}`;
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}${at}`);
    const { data: found, error } = (await response.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
      error?: string;
    };
    if (found === undefined) throw new Error(`${expression}: ${error}`);
    return found.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  };
  return { url, query, value: async (expression, time) => (await query(expression, time))[0]?.value };
}
