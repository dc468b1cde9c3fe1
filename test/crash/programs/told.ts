/** Executes orders, one step at a time, and reports when it is ready for the first one and when each is done. */
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const counts = new Counter({ name: 'counts_total', help: 'c', labelNames: ['of'] });
const sizes = new Histogram({ name: 'sizes', help: 's', buckets: [1, 5] });
const gauges = (['livesum', 'max', 'livemin'] as const).map(
  (multiprocessMode) => new Gauge({ name: multiprocessMode, help: 'g', multiprocessMode }),
);

process.on('message', (step: { do: string; label?: string; by?: number; value?: number }) => {
  if (step.do === 'inc') counts.inc({ of: step.label! }, step.by);
  if (step.do === 'observe') sizes.observe(step.value!);
  if (step.do === 'set') for (const gauge of gauges) gauge.set(step.value!);
  if (step.do === 'remove') counts.remove({ of: step.label! });
  process.send!('done');
});
process.send!('ready');
