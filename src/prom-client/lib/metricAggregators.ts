/** prom-client's own file, since it does not depend on processes. */
const upstream: object = require('prom-client/lib/metricAggregators');

export = upstream;
