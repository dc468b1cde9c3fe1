/**
 * The suite under other versions of Node and without mmap, a cluster under Bun and Deno, and the packed package with the tools of
 * applications: `npm run test:matrix -- [row...] [path...]`.
 *
 * Rows are those of the table below; all of them unless some are named. Paths go to the runner: `-- 26 test/merge`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { OTHER_NODE_MAJORS, type NodeMajor, nodeRelease } from './support/node-release.js';

const ROOT = join(__dirname, '..', '..');
const RUNNER = join(__dirname, 'run.js');
const BUN_DENO = 'test/home/bun-deno.test.ts';

interface Row {
  readonly name: string;
  /** Without it: the release that runs this. */
  readonly nodeMajor?: NodeMajor;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of the runner if no path is given; by default it runs all. */
  readonly paths?: readonly string[];
}

const ROWS: readonly Row[] = [
  ...OTHER_NODE_MAJORS.map((nodeMajor) => ({ name: String(nodeMajor), nodeMajor })),
  { name: 'no-mmap', env: { PROM_MULTIPROC_NO_MMAP: '1' } },
  { name: 'bun-deno', paths: [BUN_DENO] },
  { name: 'home', paths: ['test/home', '--exclude', BUN_DENO, '--timeout', '900'] },
];

interface Outcome {
  readonly row: string;
  readonly node: string;
  readonly tests: number;
  readonly pass: number;
  readonly fail: number;
  readonly seconds: number;
  readonly passed: boolean;
}

async function main(args: readonly string[]): Promise<boolean> {
  const names = args.filter((arg) => !arg.startsWith('test'));
  const unknown = names.filter((name) => ROWS.every((row) => row.name !== name));
  if (unknown.length > 0) {
    throw new Error(`${unknown.join(', ')}: not a row; there are ${ROWS.map(({ name }) => name).join(', ')}`);
  }
  const paths = args.filter((arg) => !names.includes(arg));
  const outcomes: Outcome[] = [];
  for (const row of ROWS) {
    if (names.length === 0 || names.includes(row.name)) outcomes.push(await runRow(row, paths));
  }
  console.table(outcomes);
  return outcomes.every(({ passed }) => passed);
}

async function runRow(row: Row, paths: readonly string[]): Promise<Outcome> {
  const node = row.nodeMajor === undefined ? process.execPath : await nodeRelease(row.nodeMajor);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`\n== ${row.name}: Node ${version} ==`);
  // scripts that start with `#!/usr/bin/env node`, as PM2's does, have to find the same one
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`;
  const startedMs = performance.now();
  const child = spawn(node, [RUNNER, ...(paths.length === 0 ? (row.paths ?? []) : paths)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...row.env, PATH },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  return {
    row: row.name,
    node: version,
    tests: count('tests'),
    pass: count('pass'),
    fail: count('fail') + count('cancelled'),
    seconds,
    passed: code === 0,
  };
}

main(process.argv.slice(2)).then(
  (passed) => {
    process.exitCode = passed ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
