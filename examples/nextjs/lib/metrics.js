// Next.js evaluates this module once for each of its module graphs, and again after an edit: getOrCreate() returns the same metric.
import { Counter } from 'prom-multiproc';

export const orders = Counter.getOrCreate({ name: 'orders_total', help: 'Orders by source.', labelNames: ['by'] });
