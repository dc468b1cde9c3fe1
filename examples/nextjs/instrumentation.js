export async function register() {
  // Next.js compiles this file for the edge runtime too, and leaves out this block; after an early return webpack would not
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { orders } = await import('./lib/metrics.js');
    orders.inc({ by: 'instrumentation' });
  }
}
