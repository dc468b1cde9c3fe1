import type { ProcessInfo } from '../collector/report.js';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { colouredState } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { bytes, columns, duration, print, printJson, timeAgo } from './print.js';

export async function psCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const collector = new MultiprocessCollector({ dir: existingDirectory(options.dir), threads: false, readOnly: true });
  const processes = await collector.processes();
  await collector.close();
  if (options.json === true) printJson(processes);
  else print(processTable(processes));
}

/** Living processes first, and then dead ones, each in the order of their start. */
function processTable(processes: readonly ProcessInfo[]): string {
  const now = Date.now() / 1000;
  const ordered = processes.toSorted((a, b) => Number(a.state === 'dead') - Number(b.state === 'dead'));
  return columns(
    ['PID', 'THREAD', 'STATE', 'AGE', 'SERIES', 'SIZE', 'LAST BEAT', 'HOST', 'KIND'],
    ordered.map(({ pid, thread, state, startedAt, series, sizeBytes, lastBeatAt, hostName, kind }) => [
      ...[pid, thread, state, duration(now - startedAt), series, bytes(sizeBytes)],
      ...[timeAgo(lastBeatAt, now), hostName, kind],
    ]),
    { STATE: colouredState },
  );
}
