import { registerPath } from '../prom-client/register-path.js';
import { print } from './print.js';

/** In NODE_OPTIONS the path has to be absolute, or child processes with another working directory die on it. */
export function registerPathCommand(): void {
  print(registerPath());
}
