/** The same API on Fastify. */
import fastify from 'fastify';
import { httpMetrics, Info } from 'prom-multiproc';
import { createUser, type Order, OrderDesk, OrderError } from './orders.js';

const desk = new OrderDesk();
new Info({ name: 'api', help: 'Which API this is.' }).set({ version: '1.2.0', framework: 'fastify' });

const app = fastify();
app.register(httpMetrics().fastify);

app.post<{ Body: { name: string; plan: string } }>('/users', (request, reply) => {
  createUser(request.body.name, request.body.plan === 'pro' ? 'pro' : 'free');
  return reply.status(201).send({ created: request.body.name });
});

app.post<{ Params: { user: string }; Body: Omit<Order, 'user'> }>('/users/:user/orders', async (request, reply) => {
  try {
    return await desk.place({ ...request.body, user: request.params.user });
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    return reply.status(422).send({ reason: error.reason });
  }
});

void app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
