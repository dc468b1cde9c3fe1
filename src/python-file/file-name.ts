/**
 * The names of client_python's multiprocess files, which it gives them as `<type>_<pid>.db`, and those of gauges as
 * `gauge_<mode>_<pid>.db`. The pid is another text where the application has its own `process_identifier`.
 */
import { MULTIPROCESS_MODES } from '../model/gauge-mode.js';

export interface PythonFileName {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** Gauges only: the row of `gauge-mode.ts`, which has the modes of client_python under their names. */
  readonly gaugeMode: string | undefined;
  /** As the `pid` label shows it. */
  readonly pid: string;
}

const NAME = new RegExp(`^(counter|histogram|summary|gauge)(?:_(${MULTIPROCESS_MODES.join('|')}))?_([^_]+)\\.db$`);

export function parsePythonFileName(name: string): PythonFileName | undefined {
  const [, type, gaugeMode, pid] = (NAME.exec(name) ?? []) as (string | undefined)[];
  if (pid === undefined || (type === 'gauge') !== (gaugeMode !== undefined)) return undefined;
  return { name, type: type as PythonFileName['type'], gaugeMode, pid };
}
