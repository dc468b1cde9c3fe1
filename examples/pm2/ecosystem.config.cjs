/**
 * Two apps under PM2, one in each of its modes, and a sidecar.
 *
 *   npm run build && npx pm2 start examples/pm2/ecosystem.config.cjs
 *   curl http://127.0.0.1:8080/order/tea
 *   curl http://127.0.0.1:8080/metrics     the shop: whichever instance answers, the sum of all
 *   curl http://127.0.0.1:8091/metrics     the back office: each instance has a port, each answers for both
 *   curl http://127.0.0.1:9464/metrics     the shop again, from the sidecar, also while the shop is stopped
 *
 * Neither app is told of a directory: its instances derive the same one, and apps do not mix. The sidecar is another app
 * to PM2, so it has to be told.
 */
const { join } = require('node:path');
const { pm2Directory } = require('prom-multiproc');

const shop = {
  name: 'shop',
  script: join(__dirname, 'app.js'),
  exec_mode: 'cluster',
  instances: 2,
  env: { PORT: process.env.SHOP_PORT ?? 8080 },
};

const backOffice = {
  name: 'back-office',
  script: join(__dirname, 'app.js'),
  exec_mode: 'fork',
  instances: 2,
  increment_var: 'PORT', // 8090, 8091
  env: { PORT: process.env.BACK_OFFICE_PORT ?? 8090 },
};

const shopMetrics = {
  name: 'shop-metrics',
  script: join(__dirname, 'sidecar.js'),
  env: {
    METRICS_PORT: process.env.METRICS_PORT ?? 9464,
    PROMETHEUS_MULTIPROC_DIR: pm2Directory(shop),
  },
};

module.exports = { apps: [shop, backOffice, shopMetrics] };
