/**
 * Correct metrics for an app that uses prom-client, and for libraries that do, without a change to either.
 *
 *   npm run build && npx pm2 start examples/pm2/preload.config.cjs
 *   curl http://127.0.0.1:8070/order/tea
 *   curl http://127.0.0.1:8070/metrics     whichever instance answers, the sum of all
 */
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// In node_args, for PM2 sets an app's `env` (NODE_OPTIONS too) in cluster mode when node has started already. Absolute,
// for cluster mode starts instances where the daemon was started, which need not be below this package.
const preload = pathToFileURL(require.resolve('prom-multiproc/register')).href;

module.exports = {
  apps: [
    {
      name: 'prom-client-app',
      script: join(__dirname, 'prom-client-app.js'),
      exec_mode: 'cluster',
      instances: 2,
      node_args: ['--import', preload],
      env: { PORT: process.env.PRELOAD_PORT ?? 8070 },
    },
  ],
};
