/**
 * Where each framework keeps Node's request and response, and the route that matched. Only the properties that are used are
 * described: the frameworks are no dependencies of this package.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

type Track = (request: IncomingMessage, response: ServerResponse, routeOf?: () => string | undefined) => void;

export type FastifyPlugin = (instance: any, options: unknown, done: () => void) => void;
export type KoaMiddleware = (context: any, next: () => Promise<unknown>) => Promise<unknown>;
export type HonoMiddleware = (context: any, next: () => Promise<void>) => Promise<void>;

export function fastifyPlugin(track: Track): FastifyPlugin {
  const plugin: FastifyPlugin = (instance, _options, done) => {
    instance.addHook('onRequest', (request: any, reply: any, next: () => void) => {
      // from Fastify 4.10 on
      track(request.raw, reply.raw, () => request.routeOptions?.url);
      next();
    });
    done();
  };
  // as fastify-plugin does it: the hook is then for the whole application and not for this plugin's own routes only
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'prom-multiproc',
  });
}

export function koaMiddleware(track: Track): KoaMiddleware {
  return (context, next) => {
    // @koa/router sets this property to the template when a route has matched
    track(context.req, context.res, () =>
      typeof context._matchedRoute === 'string' ? context._matchedRoute : undefined,
    );
    return next();
  };
}

export function honoMiddleware(track: Track): HonoMiddleware {
  return async (context, next) => {
    const { incoming, outgoing } = context.env ?? {};
    if (incoming === undefined) return next();
    let route: string | undefined;
    track(incoming, outgoing, () => route);
    try {
      await next();
    } finally {
      const matched: { path: string }[] = context.req.matchedRoutes ?? [];
      // middlewares match too, by patterns such as /*; the entry of the handler is the last one
      const last = matched.at(-1)?.path;
      route = last === undefined || last.endsWith('*') ? undefined : last;
    }
  };
}
