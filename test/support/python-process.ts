/** Programs that count with the real client_python, and the values that its own collector reads from their files. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterTest } from './after-test.js';
import { prometheus3, PYTHON } from './needs.js';

/** A release of client_python, and the path that it is imported from. */
export interface PythonClient {
  readonly name: string;
  readonly path: string | undefined;
}

/** The release of Debian 12, whose files have no timestamps. */
export const OLD_CLIENT: PythonClient = { name: 'client_python of the system', path: undefined };
/** The release beside Prometheus 3, whose files have timestamps. */
export const NEW_CLIENT: PythonClient = {
  name: 'client_python of Debian unstable',
  path: join(prometheus3(), 'usr/lib/python3/dist-packages'),
};

const PROGRAM = `
import json, os, sys
from prometheus_client import *
kept = {}
print(json.dumps('ready'), flush=True)
for line in sys.stdin:
    exec(json.loads(line), globals())
    print(json.dumps('done'), flush=True)
`;

export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(t: TestContext, dir: string, client: PythonClient) {
    this.#child = spawn(PYTHON, ['-c', PROGRAM], {
      env: environment(dir, client),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    afterTest(t, () => this.kill());
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until the client is imported. */
  async ready(): Promise<this> {
    await this.#answer();
    return this;
  }

  /** Runs statements. @throws {Error} if the program ends */
  async run(code: string): Promise<void> {
    this.#child.stdin!.write(`${JSON.stringify(code)}\n`);
    await this.#answer();
  }

  /** Runs statements that do not end. */
  start(code: string): void {
    this.#child.stdin!.write(`${JSON.stringify(code)}\n`);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #answer(): Promise<void> {
    const { done } = await this.#answers.next();
    if (done === true) throw new Error('the Python program has ended');
  }
}

const COLLECT = `
import json, sys
from prometheus_client import multiprocess
dir, dead = json.loads(sys.argv[1])
for pid in dead: multiprocess.mark_process_dead(pid, dir)
metrics = multiprocess.MultiProcessCollector(None, dir).collect()
print(json.dumps([[m.type, m.documentation, [[s.name, s.labels, repr(float(s.value))] for s in m.samples]] for m in metrics]))
`;

/**
 * Returns the values that client_python's collector reads, by `sampleKey`. It removes files of `live…` gauges of dead
 * processes.
 */
export function collectByPython(dir: string, client: PythonClient, dead: readonly number[] = []): Map<string, number> {
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', COLLECT, JSON.stringify([dir, dead])], {
    env: environment(dir, client),
    encoding: 'utf8',
    maxBuffer: 1024 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  const metrics = JSON.parse(stdout) as [string, string, [string, Record<string, string>, string][]][];
  return new Map(
    metrics.flatMap(([type, help, samples]) =>
      samples.map(([name, labels, value]) => [sampleKey(type, help, name, labels), numberOf(value)]),
    ),
  );
}

/** Returns a key of type, help, name and labels of a sample. Bounds are numbers in it, since Python prints 1.0. */
export function sampleKey(type: string, help: string, name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]): [string, string | number] => [
    label,
    label === 'le' ? numberOf(value) : value,
  ]);
  return JSON.stringify([type, help, name, pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))], (_, value: unknown) =>
    value === Infinity ? '+Inf' : value,
  );
}

function numberOf(text: string): number {
  const word = text.toLowerCase().replace('+', '');
  return word === 'inf' ? Infinity : word === '-inf' ? -Infinity : Number(text);
}

function environment(dir: string, { path }: PythonClient): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PROMETHEUS_MULTIPROC_DIR: dir,
    PYTHONDONTWRITEBYTECODE: '1',
    ...(path !== undefined && { PYTHONPATH: path }),
  };
}
