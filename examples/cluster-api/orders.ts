/** The business of the API, with its metrics: users, and orders that are paid for. Knows nothing of HTTP. */
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const usersCreated = new Counter({ name: 'users_created_total', help: 'Users created.', labelNames: ['plan'] });
const ordersPlaced = new Counter({ name: 'orders_total', help: 'Orders paid for.', labelNames: ['payment_method'] });
const ordersFailed = new Counter({ name: 'orders_failed_total', help: 'Orders that failed.', labelNames: ['reason'] });
const revenue = new Counter({ name: 'revenue_euros_total', help: 'What was paid for orders.' });
const processing = new Histogram({ name: 'order_processing_seconds', help: 'Time that an order takes.' });
const inProcess = new Gauge({
  name: 'orders_in_process',
  help: 'Orders being processed now.',
  multiprocessMode: 'livesum',
});
const largest = new Gauge({
  name: 'largest_order_euros',
  help: 'The largest order so far.',
  // also of workers that are gone
  multiprocessMode: 'max',
});

export class OrderError extends Error {
  constructor(readonly reason: 'unknown_user' | 'payment_declined' | 'empty') {
    super(reason);
  }
}

export interface Order {
  readonly user: string;
  readonly paymentMethod: 'card' | 'invoice';
  readonly euros: number;
}

const users = new Set<string>(['guest']);

export function createUser(name: string, plan: 'free' | 'pro'): void {
  users.add(name);
  usersCreated.inc({ plan });
}

export class OrderDesk {
  @processing.time()
  @inProcess.trackInProgress()
  async place(order: Order): Promise<{ paid: number }> {
    try {
      if (!users.has(order.user)) throw new OrderError('unknown_user');
      if (!(order.euros > 0)) throw new OrderError('empty');
      if (order.euros > 1000 && order.paymentMethod === 'card') throw new OrderError('payment_declined');
    } catch (error) {
      ordersFailed.inc({ reason: (error as OrderError).reason });
      throw error;
    }
    ordersPlaced.inc({ payment_method: order.paymentMethod });
    revenue.inc(order.euros);
    largest.set(Math.max(order.euros, largestHere));
    largestHere = Math.max(order.euros, largestHere);
    return { paid: order.euros };
  }
}

let largestHere = 0;
