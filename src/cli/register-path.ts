import { registerPath } from '../prom-client/register-path.js';
import { print } from './print.js';

/** NODE_OPTIONS needs an absolute path: child processes with another working directory would fail to start otherwise. */
export function registerPathCommand(): void {
  print(registerPath());
}
