/** Serves the metrics of the app whose directory the ecosystem file names, whatever becomes of the app's instances. */
const { startHttpServer } = require('prom-multiproc');

startHttpServer({ port: Number(process.env.METRICS_PORT) }).then(
  ({ url }) => console.log(`${url}/metrics`),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
