import { createServer } from '@promster/server';
import { createServer as createHttpServer, request } from 'node:http';
import { Counter } from 'prom-client';

/** The library serves metrics and nothing else: what is counted is the app's own. */
export async function start(port: number, sparePort: number): Promise<void> {
  const hits = new Counter({ name: 'app_hits_total', help: 'Hits.', labelNames: ['route'] });
  const metrics = await createServer({ port: sparePort, hostname: '127.0.0.1' });
  const app = createHttpServer((incoming, response) => {
    if (incoming.url === '/metrics') {
      const asked = request(
        { port: sparePort, host: '127.0.0.1', agent: false },
        (answer) => void answer.pipe(response),
      );
      asked.end();
      return;
    }
    hits.inc({ route: '/hit' });
    response.end('ok');
  });
  app.on('close', () => metrics.close());
  await new Promise<void>((resolve) => void app.listen(port, '127.0.0.1', resolve));
}
