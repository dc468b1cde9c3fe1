/**
 * A cron job that leaves its metrics for the node exporter's textfile collector, from a registry of its own.
 *
 *   node dist/examples/textfile-cron/job.js /var/lib/node_exporter/textfile/backup.prom
 *
 * node exporter: --collector.textfile.directory=/var/lib/node_exporter/textfile
 */
import { statSync } from 'node:fs';
import { Gauge, Registry, writeToTextfile } from 'prom-multiproc';

// the job is one process, and nobody else's metrics belong into its file
const registry = new Registry(undefined, { multiprocess: false });
const registers = [registry];

const duration = new Gauge({ name: 'backup_duration_seconds', help: 'Time that the last backup took.', registers });
const size = new Gauge({ name: 'backup_size_bytes', help: 'Size of the last backup.', registers });
const success = new Gauge({ name: 'backup_success', help: 'Whether the last backup went well.', registers });
const completed = new Gauge({
  name: 'backup_last_completed_timestamp_seconds',
  help: 'When the last backup ended.',
  registers,
});

/** What the job is about: here, looking at a file. */
async function backUp(path: string): Promise<number> {
  return statSync(path).size;
}

async function main(): Promise<void> {
  const [textfile, source = __filename] = process.argv.slice(2);
  if (textfile === undefined) throw new Error('name the .prom file to write');
  const end = duration.startTimer();
  try {
    size.set(await backUp(source));
    success.set(1);
  } catch (error) {
    console.error(`the backup failed: ${String(error)}`);
    success.set(0);
    process.exitCode = 1;
  }
  end();
  completed.setToCurrentTime();
  // a file that is written aside and renamed: the node exporter never sees half of it
  await writeToTextfile(textfile, { registry });
}

void main();
