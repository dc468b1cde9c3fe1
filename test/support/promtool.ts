import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The result of `promtool check metrics` for a text 0.0.4 exposition. It does not read OpenMetrics. */
export interface PromtoolVerdict {
  /** Prometheus can read it. */
  readonly parses: boolean;
  /**
   * Lints, one per line, such as `jobs_done counter metrics should have "_total" suffix`; or the reason why it does not
   * parse.
   */
  readonly problems: readonly string[];
}

/** promtool is in Debian's package `prometheus`. A missing one is an error, so that no check is skipped silently. */
export function checkMetrics(text: string): PromtoolVerdict {
  const { status, output } = promtool(['check', 'metrics'], text);
  // exit code 3 is 'lint error', 1 is 'cannot be read'
  return { parses: status === 0 || status === 3, problems: output };
}

/**
 * Parses an exposition with Prometheus' own OpenMetrics parser, the one behind `promtool tsdb create-blocks-from`, which
 * requires a time on every line; this function adds one. Returns the errors.
 */
export function openMetricsProblems(text: string): readonly string[] {
  const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-promtool-'));
  try {
    const file = join(dir, 'metrics.txt');
    const lines = text.split('\n').map((line) => line.replace(SAMPLE, (sample) => `${sample} 1700000000`));
    writeFileSync(file, lines.join('\n'));
    const { status, output } = promtool(['tsdb', 'create-blocks-from', 'openmetrics', file, join(dir, 'blocks')]);
    return status === 0 ? [] : output;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Matches name, labels and value. */
const SAMPLE = /^[^{ #]+(\{([^"}]|"(\\[^]|[^"\\])*")*\})? [^ ]+/;

function promtool(args: readonly string[], input = ''): { status: number | null; output: string[] } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') };
}
