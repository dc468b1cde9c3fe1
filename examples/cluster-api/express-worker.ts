/** The API on Express: what a worker of the cluster runs. */
import express from 'express';
import { httpMetrics, Info } from 'prom-multiproc';
import { createUser, OrderDesk, OrderError } from './orders.js';

const desk = new OrderDesk();
new Info({ name: 'api', help: 'Which API this is.' }).set({ version: '1.2.0', framework: 'express' });

const app = express();
app.use(httpMetrics().middleware);
app.use(express.json());

app.post('/users', (request, response) => {
  createUser(String(request.body.name), request.body.plan === 'pro' ? 'pro' : 'free');
  response.status(201).json({ created: request.body.name });
});

app.post('/users/:user/orders', async (request, response) => {
  try {
    response.json(await desk.place({ ...request.body, user: request.params.user }));
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    response.status(422).json({ reason: error.reason });
  }
});

app.listen(Number(process.env.PORT), '127.0.0.1');
