import { spawnSync } from 'node:child_process';

/** What `promtool check metrics` says about a text 0.0.4 exposition. It reads no OpenMetrics. */
export interface PromtoolVerdict {
  /** Prometheus can read it. */
  readonly parses: boolean;
  /** Lints, one a line, such as `jobs_done counter metrics should have "_total" suffix`; or why it does not parse. */
  readonly problems: readonly string[];
}

/** promtool is in Debian's package `prometheus`; a missing one is an error, so that no check is passed over in silence. */
export function checkMetrics(text: string): PromtoolVerdict {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input: text });
  if (error !== undefined) throw error;
  const problems = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  // exit code 3 is 'lint error', 1 is 'cannot be read'
  return { parses: status === 0 || status === 3, problems };
}
