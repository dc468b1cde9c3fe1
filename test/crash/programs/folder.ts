/**
 * Folds the directory in argv on order, in ways that only tests need: killed at a step, stalled at a step, repeatedly,
 * without any lock.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { Fold, foldDirectory, type FoldStep } from '../../../src/archive/fold.js';

export interface FoldOrder {
  readonly kill?: { readonly step: FoldStep; readonly time: number };
  /** At the step: creates the file `reached`, and continues when the file `go` exists. */
  readonly stall?: { readonly step: FoldStep; readonly reached: string; readonly go: string };
  readonly properLockfile?: boolean;
  /** Folds repeatedly until the file exists. */
  readonly until?: string;
}

const [dir] = process.argv.slice(2);

process.on('message', ({ kill, stall, properLockfile, until }: FoldOrder) => {
  let times = 0;
  Fold.onStep = (step) => {
    if (step === kill?.step && ++times === kill.time) process.kill(process.pid, 'SIGKILL');
    if (step !== stall?.step) return;
    writeFileSync(stall.reached, '');
    while (!existsSync(stall.go)) pause(2);
  };
  const outcomes: Record<string, number> = {};
  let folded = 0;
  for (;;) {
    const result = foldDirectory(dir, { properLockfile });
    folded += result.folded;
    const outcome = result.abandoned ?? (result.folded > 0 ? 'folded' : 'nothing');
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (until === undefined || existsSync(until)) break;
    pause(1);
  }
  process.send?.({ folded, outcomes });
});
process.send?.('ready');

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
