/** prom-client's own: nothing in it has to do with processes. */
const upstream: object = require('prom-client/lib/metricAggregators');

export = upstream;
