/**
 * Settings that a process has before any of our code runs: environment variables, which `setupPrimary` sets for its
 * workers. An invalid value is logged once and ignored: a wrong setting for metrics must not end a process.
 */
import { DEFAULT_MAX_BYTES } from '../metrics-file/file-bytes.js';
import type { DirectoryPermissions } from '../directory/open-directory.js';
import { warnOnce } from '../warn-once.js';

export interface Settings extends DirectoryPermissions {
  /** Maximum size of this process's file in bytes. */
  readonly maxBytes: number;
  readonly maxSeries: number | undefined;
  readonly maxSeriesPerMetric: number | undefined;
}

export const SETTINGS = {
  maxBytes: 'PROM_MULTIPROC_MAX_BYTES',
  maxSeries: 'PROM_MULTIPROC_MAX_SERIES',
  maxSeriesPerMetric: 'PROM_MULTIPROC_MAX_SERIES_PER_METRIC',
  dirMode: 'PROM_MULTIPROC_DIR_MODE',
  fileMode: 'PROM_MULTIPROC_FILE_MODE',
  group: 'PROM_MULTIPROC_GROUP',
} as const;

export function readSettings(env: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const number = (name: string, radix: 8 | 10): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    const pattern = radix === 8 ? /^0?o?[0-7]{1,4}$/ : /^\d{1,15}$/;
    if (pattern.test(text)) return Number.parseInt(text.replace('o', ''), radix);
    warnOnce(
      `setting ${name}`,
      `${name}=${JSON.stringify(text)} is ignored: it must be a whole number in base ${radix}`,
    );
    return undefined;
  };
  return {
    maxBytes: number(SETTINGS.maxBytes, 10) ?? DEFAULT_MAX_BYTES,
    maxSeries: number(SETTINGS.maxSeries, 10),
    maxSeriesPerMetric: number(SETTINGS.maxSeriesPerMetric, 10),
    dirMode: number(SETTINGS.dirMode, 8),
    fileMode: number(SETTINGS.fileMode, 8),
    group: number(SETTINGS.group, 10),
  };
}
