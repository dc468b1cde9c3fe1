import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessCollector, registerPath } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { assertSound, BEHIND_MS, written } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { ask } from '../support/http-request.js';
import { freePort, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import type { Listening } from './member.js';

export interface LibraryRun {
  /** A module of ./apps. */
  readonly app: string;
  /** Whether the app gets this package by the preload hook, or asks for it itself. */
  readonly preload: boolean;
  /** Further modules that are loaded before the app. */
  readonly imports?: readonly string[];
  /** The node that runs it. Default: this one. */
  readonly node?: string;
  /** The path of the library, for an app that does not find it by name. */
  readonly library?: string;
  /** The one line that counts the requests for `/hit`. */
  readonly counts: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

/** Two workers that run an app. */
export class LibraryCluster {
  output = '';
  readonly #process: ChildProcess;
  readonly #counts: LibraryRun['counts'];
  readonly workers: Listening[] = [];

  readonly #collector: MultiprocessCollector;

  constructor(child: ChildProcess, counts: LibraryRun['counts'], collector: MultiprocessCollector) {
    this.#collector = collector;
    this.#process = child;
    this.#counts = counts;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /** Waits for both workers. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#process.on('exit', () => reject(new Error(`the cluster has ended\n${this.output}`)));
      this.#process.on('message', (worker: Listening) => {
        this.workers.push(worker);
        if (this.workers.length === 2) resolve();
      });
    });
  }

  async hit({ port }: Listening, times: number): Promise<void> {
    for (let at = 0; at < times; at++) {
      const { status } = await ask(`http://127.0.0.1:${port}/hit`);
      assert.equal(status, 200);
    }
  }

  /** What a worker answers to `/metrics`, found sound. */
  async scrape({ port }: Listening): Promise<string> {
    await written();
    const { status, text } = await ask(`http://127.0.0.1:${port}/metrics`);
    assert.equal(status, 200, text);
    assertSound(text);
    return text;
  }

  /** Asserts that a worker shows so many requests for `/hit`. */
  async assertCounted(worker: Listening, expected: number): Promise<void> {
    let text = await this.scrape(worker);
    // files that are written on a timer are behind, on a busy machine by more than their interval
    for (let tries = 0; BEHIND_MS > 0 && tries < 20 && this.#counted(text) !== expected; tries++) {
      await delay(100);
      text = await this.scrape(worker);
    }
    assert.equal(this.#counted(text), expected);
  }

  /** Either worker shows the requests of both, and the second one also after the first was killed. @returns the second */
  async assertKilledCounts(): Promise<Listening> {
    const [first, second] = this.workers;
    await this.hit(first, 3);
    await this.hit(second, 4);
    await this.assertCounted(first, 7);
    await this.assertCounted(second, 7);

    process.kill(first.pid, 'SIGKILL');
    await this.assertCounted(second, 7);
    return second;
  }

  /** Makes hits, and waits until the status page has as many requests of this worker, of which none failed. */
  async hitAndSee(worker: Listening, hits: number): Promise<void> {
    await this.#collector.status();
    await this.hit(worker, hits);
    // libraries count a request a moment after its response
    const seen = await until(async () => {
      const { processes } = await this.#collector.status();
      const { requests } = processes.find(({ pid }) => pid === worker.pid)!;
      return requests !== undefined && requests.perSecond * requests.seconds > hits - 0.5 && requests;
    });
    assert.equal(seen.failedPerSecond, 0);
  }

  #counted(text: string): number {
    const { name, labels } = this.#counts;
    const found = parseExposition(text).samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    assert.equal(found.length, 1, `${name} is there ${found.length} times in\n${text}\n${this.output}`);
    return found[0].value;
  }
}

/** Starts two workers that run an app and count into a directory of the test's. */
export async function startLibrary(t: TestContext, run: LibraryRun): Promise<LibraryCluster> {
  const dir = withTempDir(t);
  // one to serve on and one to spare for each worker
  const firstPort = await freePort(4);
  const ports = [0, 1, 2, 3].map((at) => firstPort + at);
  const preload = [...(run.preload ? [registerPath()] : []), ...(run.imports ?? [])].flatMap((path) => [
    '--import',
    path,
  ]);
  const args = ['--throw-deprecation', ...preload, join(__dirname, 'member.js'), run.app, ...ports.map(String)];
  const child = spawn(run.node ?? process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, PROMETHEUS_MULTIPROC_DIR: dir, LIBRARY: run.library },
  });
  const collector = new MultiprocessCollector({ dir });
  const cluster = new LibraryCluster(child, run.counts, collector);
  afterTest(t, async () => {
    await collector.close();
    const workers = cluster.workers.map(({ pid }) => pid);
    for (const pid of [...workers, child.pid as number]) kill(pid);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await cluster.listen();
  return cluster;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
