/** The long forms of the tests that have one: `npm run soak`, about two hours on two idle cores. `npm run fuzz` is apart. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * What the tests take from the environment: processes killed while they count, random histories against the model; threads
 * that end, that are terminated, and applications that end in the middle of a scrape and a fold; native histograms that are read while
 * a process observes.
 */
const LONG_FORMS = {
  STORM_LIVES: '2500',
  MODEL_RUNS: '60',
  ENDING_THREADS: '20000',
  THREAD_TERMINATIONS: '5000',
  EXIT_ROUNDS: '2000',
  // of these numbers, on each other release of Node.js, in a cluster and under PM2
  THREADS_ELSEWHERE: '0.1',
  NATIVE_HISTOGRAMS_TO_READ: '10000000',
};

const COMMANDS = [
  [join(__dirname, 'merge', 'soak.js')],
  [
    join(__dirname, 'run.js'),
    'test/e2e/ending-threads.test.ts',
    'test/archive/fold-aside.test.ts',
    'test/crash/native-histograms.test.ts',
    '--timeout',
    '7200',
  ],
  [join(__dirname, 'run.js'), 'test/crash/storm.test.ts', 'test/crash/model.test.ts', '--timeout', '1800'],
];

for (const command of COMMANDS) {
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit', env: { ...process.env, ...LONG_FORMS } });
  if (status !== 0) process.exitCode = 1;
}
