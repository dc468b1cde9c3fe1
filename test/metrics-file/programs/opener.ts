/** Opens the file in argv like a reader and reports the error. */
import type { PromMultiprocError } from '../../../src/errors.js';
import { openForReading } from '../../../src/metrics-file/header.js';

const [path] = process.argv.slice(2);
try {
  openForReading(path);
  process.send?.({ code: 'none', message: '' });
} catch (error) {
  const { code, message } = error as PromMultiprocError;
  process.send?.({ code, message });
}
process.disconnect?.();
