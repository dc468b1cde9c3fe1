/**
 * Reports the liveness of the processes with the given pids, before and after it has itself a file open as client_python
 * has. `PID:SECONDS` names a file that was last changed so many seconds ago.
 */
import { closeSync, openSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePythonFileName } from '../../../src/python-file/file-name.js';
import { PythonLiveness } from '../../../src/python-file/python-liveness.js';

const [dir, ...processes] = process.argv.slice(2);
const liveness = new PythonLiveness();

function probeAll(): string[] {
  return processes.map((each) => {
    const [pid, seconds] = each.split(':');
    const file = join(dir, `counter_${pid}.db`);
    const changedAt = Date.now() / 1000 - Number(seconds);
    writeFileSync(file, 'x'.repeat(64));
    utimesSync(file, changedAt, changedAt);
    const fd = openSync(file, 'r');
    try {
      return liveness.probe(fd, pid);
    } finally {
      closeSync(fd);
    }
  });
}

const before = probeAll();
const own = `counter_${process.pid}.db`;
openSync(join(dir, own), 'w+');
liveness.survey(dir, [parsePythonFileName(own)!]);
process.send!({ before, after: probeAll() });
