/** What the workers do, with its metrics. The same file is used by worker processes and by the threads of a piscina pool. */
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const tasks = new Counter({ name: 'tasks_total', help: 'Tasks that ended, by how.', labelNames: ['task', 'status'] });
const duration = new Histogram({
  name: 'task_duration_seconds',
  help: 'Time that a task takes.',
  labelNames: ['task'],
});
const inProgress = new Gauge({
  name: 'tasks_in_progress',
  help: 'Tasks being worked on.',
  labelNames: ['task'],
  // a worker that is killed takes its tasks in progress with it
  multiprocessMode: 'livesum',
});

/** Runs a task and counts it, whichever way it ends. */
export async function counted<T>(task: string, work: () => Promise<T>): Promise<T> {
  const end = duration.startTimer({ task });
  inProgress.inc({ task });
  try {
    const result = await work();
    tasks.inc({ task, status: 'completed' });
    return result;
  } catch (error) {
    tasks.inc({ task, status: 'failed' });
    throw error;
  } finally {
    inProgress.dec({ task });
    end();
  }
}
