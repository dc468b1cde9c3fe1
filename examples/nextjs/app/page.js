import { orders } from '../lib/metrics.js';

export const dynamic = 'force-dynamic';

export default function Page() {
  orders.inc({ by: 'page' });
  return <p>Thank you for the order.</p>;
}
