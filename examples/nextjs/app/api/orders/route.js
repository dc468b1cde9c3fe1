import { orders } from '../../../lib/metrics.js';

export const dynamic = 'force-dynamic';

export function POST() {
  orders.inc({ by: 'route' });
  return new Response('thank you\n');
}
