import type { ProcessInfo } from '../collector/report.js';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { colour } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { bytes, columns, duration, print, printJson } from './print.js';

export async function psCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const collector = new MultiprocessCollector({ dir: existingDirectory(options.dir), threads: false, readOnly: true });
  const processes = await collector.processes();
  await collector.close();
  if (options.json === true) printJson(processes);
  else print(processTable(processes));
}

/** Living processes first, and then dead ones, each in the order of their start. */
export function processTable(processes: readonly ProcessInfo[], most = Infinity, now = Date.now() / 1000): string {
  const ordered = processes.toSorted((a, b) => Number(a.state === 'dead') - Number(b.state === 'dead'));
  return columns(
    ['PID', 'THREAD', 'STATE', 'AGE', 'SERIES', 'SIZE', 'LAST BEAT', 'HOST', 'KIND'],
    ordered
      .slice(0, most)
      .map(({ pid, thread, state, startedAt, series, sizeBytes, lastBeatAt, hostName, kind }) => [
        pid,
        thread,
        state,
        duration(now - startedAt),
        series,
        bytes(sizeBytes),
        lastBeatAt === undefined ? '-' : `${duration(now - lastBeatAt)} ago`,
        hostName,
        kind,
      ]),
    { STATE: painted },
  );
}

const COLOURS = { live: colour.green, dead: colour.red, unknown: colour.yellow } as const;

/** The colour repeats what the word tells, for readers and terminals without colours. */
function painted(state: string): string {
  return COLOURS[state.trim() as ProcessInfo['state']](state);
}
