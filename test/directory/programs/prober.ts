/** Reports the liveness that this process, with its user and environment, finds for the file in argv. */
import { openForReading, readHeader } from '../../../src/metrics-file/header.js';
import { probeLiveness } from '../../../src/directory/liveness.js';

const [file] = process.argv.slice(2);
const fd = openForReading(file);
process.send?.(probeLiveness(fd, readHeader(fd, file)));
process.disconnect?.();
