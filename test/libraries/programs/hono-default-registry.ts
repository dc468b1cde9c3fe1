import { register } from 'prom-client';
import { startHono } from './hono-own-registry.js';

export function start(port: number): Promise<void> {
  return startHono(port, { registry: register });
}
