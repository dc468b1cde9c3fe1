/** Which PM2 app a process belongs to, by what PM2 leaves in its environment. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * What stays the same for an app whatever PM2 does with it. Not `unique_id`, which changes on `resurrect` and `update`; not
 * the instance number, which old and new share during a reload.
 */
export interface Pm2App {
  readonly home: string;
  readonly namespace: string;
  readonly name: string;
  /** Absolute: PM2's `pm_exec_path`. */
  readonly script: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The app that a process with this environment is an instance of, or a descendant. */
export function pm2AppOf(env: Environment): Pm2App | undefined {
  // In cluster mode PM2 starts its workers with everything in one JSON variable and sets the others before the app is
  // loaded; before that (a preloaded module) and in the initial environment (a thread) there is only the JSON.
  const variables: Record<string, unknown> = {
    ...env,
    ...(env.pm2_env === undefined ? {} : parsedObject(env.pm2_env)),
  };
  const { pm_id: instance, pm_exec_path: script, name, namespace, PM2_HOME: home } = variables;
  if (instance === undefined || typeof script !== 'string') return undefined;
  return {
    home: pm2Home(home),
    namespace: typeof namespace === 'string' ? namespace : DEFAULT_NAMESPACE,
    name: typeof name === 'string' ? name : '',
    script,
  };
}

/** PM2's own, for apps that name none. */
export const DEFAULT_NAMESPACE = 'default';

/** @param named the variable PM2_HOME */
export function pm2Home(named: unknown): string {
  return typeof named === 'string' && named !== '' ? resolve(named) : join(homedir(), '.pm2');
}

function parsedObject(json: string): object {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
