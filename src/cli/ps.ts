import type { ProcessInfo } from '../collector/collection.js';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { existingDirectory } from './directory-option.js';
import { bytes, columns, duration, print, printJson } from './print.js';

export async function psCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const collector = new MultiprocessCollector({ dir: existingDirectory(options.dir), threads: false });
  const processes = await collector.processes();
  await collector.close();
  if (options.json === true) printJson(processes);
  else print(processTable(processes));
}

export function processTable(processes: readonly ProcessInfo[], now = Date.now() / 1000): string {
  return columns(
    ['PID', 'THREAD', 'STATE', 'AGE', 'SERIES', 'SIZE', 'LAST BEAT', 'HOST'],
    processes.map(({ pid, thread, state, startedAt, series, sizeBytes, lastBeatAt, hostName }) => [
      pid,
      thread,
      state,
      duration(now - startedAt),
      series,
      bytes(sizeBytes),
      `${duration(now - lastBeatAt)} ago`,
      hostName,
    ]),
  );
}
