/** Finds the PM2 app of a process, by the variables that PM2 sets in its environment. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Properties of an app that do not change, whatever PM2 does with it. `unique_id` is not among them, because it changes on
 * `resurrect` and `update`; nor is the instance number, which an old and a new instance share during a reload.
 */
export interface Pm2App {
  readonly home: string;
  readonly namespace: string;
  readonly name: string;
  /** An absolute path: PM2's `pm_exec_path`. */
  readonly script: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The app of which a process with this environment is an instance or a descendant. */
export function pm2AppOf(env: Environment): Pm2App | undefined {
  // In cluster mode PM2 starts its workers with one JSON variable that contains everything, and sets the other variables
  // before the app is loaded. Earlier (in a preloaded module) and in the initial environment (in a thread) there is only
  // the JSON.
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

/** PM2's namespace for apps that name none. */
export const DEFAULT_NAMESPACE = 'default';

/** @param named the value of PM2_HOME */
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
