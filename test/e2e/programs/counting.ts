/** Counts a little, reports that, and stays alive: `counting.js <how often> [settings of the environment]`. */
import { Counter, Gauge } from 'prom-multiproc';

const counts = new Counter({ name: 'counts_total', help: 'Counts.' });
const all = new Gauge({ name: 'per_process', help: 'Of each.', multiprocessMode: 'liveall' });
counts.inc(Number(process.argv[2]));
all.set(Number(process.argv[2]));
console.log(`counted as ${process.pid}`);
setInterval(() => {}, 1000);
