/**
 * The package's root, written by hand: without `__esModule`, so that `require`, `import { Counter }`, `import * as` and
 * TypeScript's `import client from` all see the same exports and share one state. A test holds it against index.ts.
 */
const api = require('./index.js');

exports.Counter = api.Counter;
exports.Gauge = api.Gauge;
exports.Histogram = api.Histogram;
exports.Info = api.Info;
exports.StateSet = api.StateSet;
exports.Summary = api.Summary;
exports.register = api.register;
exports.Registry = api.Registry;
exports.openMetricsContentType = api.openMetricsContentType;
exports.prometheusContentType = api.prometheusContentType;
exports.exponentialBuckets = api.exponentialBuckets;
exports.linearBuckets = api.linearBuckets;
exports.validateMetricName = api.validateMetricName;
exports.MULTIPROCESS_MODES = api.MULTIPROCESS_MODES;
exports.setupPrimary = api.setupPrimary;
exports.pm2Directory = api.pm2Directory;
exports.markProcessDead = api.markProcessDead;
exports.MultiprocessCollector = api.MultiprocessCollector;
exports.httpMetrics = api.httpMetrics;
exports.metricsHandler = api.metricsHandler;
exports.startHttpServer = api.startHttpServer;
exports.BadFileError = api.BadFileError;
exports.PromMultiprocError = api.PromMultiprocError;
