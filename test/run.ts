/**
 * Runs the compiled test files, each in a process of its own, and prints node's summary as the last lines.
 *
 * ```
 * node dist/test/run.js [path...] [--exclude path]... [--timeout seconds]
 * ```
 *
 * A path is one of the sources, or a folder of them (`test/merge`, `test/merge/lines.test.ts`). `node --test` takes no
 * folder on Node 20, and would also run what a deleted source left behind in dist. Each file is a `run()` of its own,
 * for only its signal ends a file that hangs on every version: from Node 24 on the `timeout` option is about single tests.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { canInstall, isRoot, missingTools, othersCanRun, TOOLS } from './support/needs.js';
import { installTools } from './support/tool-installation.js';

const ROOT = join(__dirname, '..', '..');

/** Settings of whoever runs the tests would send every test's metrics into one directory. */
const VARIABLES_TO_DROP = ['PROMETHEUS_MULTIPROC_DIR', 'PROM_MULTIPROC_SCOPE', 'NODE_TEST_CONTEXT'];

/** Folders that run only when a path names them: they install packages and run tools for minutes. */
const ONLY_BY_NAME = ['test/home'];

/**
 * Files at a time. Most of them wait for processes, browsers and servers: two at a time left two cores idle for two fifths of the
 * run, and tests have deadlines that hold on a machine with ten times the load.
 */
const CONCURRENCY = 3;

/** The longest files run first, since one of them would run alone at the end. */
const FIRST = ['test/serve/status', 'test/e2e', 'test/prom-client'];

/** An event of node's test stream, as far as it matters here; which ones there are grows with node's version. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly message?: string;
    readonly skip?: string | boolean;
  };
}

/** Node's counts, by the names that its summary gives them. */
class Summary {
  readonly #counts = new Map<string, number>();
  /** How many tests were skipped, by the reason. */
  readonly #skipped = new Map<string, number>();

  /** Takes a line such as `pass 12`. */
  add(line: string): void {
    const [name, count] = line.split(' ');
    this.#counts.set(name, this.of(name) + Number(count));
  }

  skip(reason: string): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  toString(): string {
    const counts = [...this.#counts].map(([name, count]) => `# ${name} ${Math.round(count)}\n`);
    const skipped = [...this.#skipped].map(([reason, count]) => `# skipped ${count}: ${reason}\n`);
    return [...counts, ...skipped].join('');
  }
}

/** Set for a run below bind mounts. */
const MOUNTED = 'PROM_MULTIPROC_TESTS_MOUNTED';

const SUMMARY_LINE = /^(tests|suites|pass|fail|cancelled|skipped|todo) \d+$/;
/** Of each file: those that ran side by side would be added up. */
const DURATION_LINE = /^duration_ms /;

async function main(): Promise<boolean> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { exclude: { type: 'string', multiple: true }, timeout: { type: 'string', default: '300' } },
  });
  if (canInstall()) installTools();
  else if (missingTools().length > 0) console.log(`not on this machine: ${missingTools().join(', ')}`);
  const elsewhere = runWhereOthersMayEnter();
  if (elsewhere !== undefined) return elsewhere;
  process.chdir(ROOT);
  for (const variable of VARIABLES_TO_DROP) delete process.env[variable];

  const files = testFiles(positionals, values.exclude ?? []);
  if (files.length === 0) throw new Error(`no test file is at ${positionals.join(' or ') || 'test'}`);

  const startedMs = performance.now();
  const summary = new Summary();
  const report = new PassThrough({ objectMode: true });
  const printed = pipeline(report, new spec(), process.stdout, { end: false });
  const waiting = [...files];
  const runNext = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      // written at once, or the lines of files that run side by side would mix
      for (const event of await runFile(file, Number(values.timeout) * 1000, summary)) report.write(event);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, runNext));
  report.end();
  await printed;

  summary.add(`duration_ms ${performance.now() - startedMs}`);
  process.stdout.write(`\n${summary.toString()}`);
  return summary.of('pass') > 0 && summary.of('fail') === 0 && summary.of('cancelled') === 0;
}

/** Its events without the summary, which is added to that of all. */
async function runFile(file: string, timeoutMs: number, summary: Summary): Promise<TestEvent[]> {
  const path = join(ROOT, 'dist', file);
  const events: TestEvent[] = [];
  const lines: string[] = [];
  for await (const event of run({
    files: [path],
    signal: AbortSignal.timeout(timeoutMs),
  }) as AsyncIterable<TestEvent>) {
    if (event.type === 'test:pass' && typeof event.data.skip === 'string') summary.skip(event.data.skip);
    const line = event.type === 'test:diagnostic' && event.data.nesting === 0 ? (event.data.message ?? '') : '';
    if (SUMMARY_LINE.test(line)) lines.push(line);
    else if (!DURATION_LINE.test(line)) events.push(event);
  }
  // to node, a process that ends well before any of its tests did is one test that passed, named by its path
  if (events.some(({ type, data }) => type === 'test:pass' && data.name === path)) {
    for (const line of ['tests 1', 'pass 0', 'fail 1']) summary.add(line);
    const error = new Error('the process ended and no test of it had');
    const data = { name: file, nesting: 0, testNumber: 1, details: { duration_ms: 0, error } };
    return [{ type: 'test:fail', data }];
  }
  for (const line of lines) summary.add(line);
  return events;
}

/**
 * Some tests run programs of the project as another user. In a folder that other users cannot enter, such as one below
 * /root, root sees the project under another path, by bind mounts in a mount namespace of its own, and runs the tests
 * there.
 *
 * @returns whether the tests passed; undefined where they are to be run here
 */
function runWhereOthersMayEnter(): boolean | undefined {
  if (!isRoot() || process.env[MOUNTED] !== undefined || othersCanRun(__filename)) return undefined;
  if (missingTools().includes('namespaces')) {
    console.log(`tests of other users are skipped: this needs ${TOOLS.namespaces.commands.join(' and ')}`);
    return undefined;
  }
  const place = mkdtempSync(join(tmpdir(), 'prom-multiproc-tests-'));
  chmodSync(place, 0o755);
  const script = `
    set -e
    for entry in "$0"/* "$0"/.[!.]*; do
      name="$1/\${entry##*/}"
      if [ -d "$entry" ]; then mkdir "$name"; else : >"$name"; fi
      mount --bind "$entry" "$name"
    done
    node=$2
    cd "$1"
    shift 2
    exec "$node" dist/test/run.js "$@"`;
  const args = [ROOT, place, process.execPath, ...process.argv.slice(2)];
  const { status, error } = spawnSync('unshare', ['--mount', 'sh', '-c', script, ...args], {
    env: { ...process.env, [MOUNTED]: place },
    stdio: 'inherit',
  });
  // never recursively: were a mount still there, the project itself would be removed
  for (const entry of readdirSync(place, { withFileTypes: true })) {
    if (entry.isDirectory()) rmdirSync(join(place, entry.name));
    else if (statSync(join(place, entry.name)).size === 0) unlinkSync(join(place, entry.name));
  }
  rmdirSync(place);
  if (error === undefined) return status === 0;
  console.log(`tests of other users are skipped: ${error.message}`);
  return undefined;
}

/** Below dist, such as `test/merge/lines.test.js`; only those whose source is still there. */
function testFiles(paths: readonly string[], excluded: readonly string[]): string[] {
  return readdirSync(join(ROOT, 'dist', 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join('test', name))
    .filter((file) => existsSync(join(ROOT, file.replace(/\.js$/, '.ts'))))
    .filter((file) => (paths.length === 0 ? !isUnderAny(file, ONLY_BY_NAME) : isUnderAny(file, paths)))
    .filter((file) => !isUnderAny(file, excluded))
    .toSorted(
      (one, other) => Number(isUnderAny(other, FIRST)) - Number(isUnderAny(one, FIRST)) || (one < other ? -1 : 1),
    );
}

function isUnderAny(file: string, paths: readonly string[]): boolean {
  return paths.some((path) => {
    const place = join(path)
      .replace(/^dist\//, '')
      .replace(/\.ts$/, '.js')
      .replace(/\/$/, '');
    return file === place || file.startsWith(`${place}/`);
  });
}

main().then(
  (passed) => {
    process.exitCode = passed ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
