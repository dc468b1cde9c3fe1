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
exports.aggregators = api.aggregators;
exports.AggregatorRegistry = api.AggregatorRegistry;
exports.ClusterRegistry = api.ClusterRegistry;
exports.WorkerRegistry = api.WorkerRegistry;
exports.collectDefaultMetrics = api.collectDefaultMetrics;
exports.MetricType = api.MetricType;
exports.mirrorRegistry = api.mirrorRegistry;
exports.registerPath = api.registerPath;
exports.Pushgateway = api.Pushgateway;
exports.writeToTextfile = api.writeToTextfile;
exports.exponentialBuckets = api.exponentialBuckets;
exports.linearBuckets = api.linearBuckets;
exports.validateMetricName = api.validateMetricName;
exports.MULTIPROCESS_MODES = api.MULTIPROCESS_MODES;
exports.setupPrimary = api.setupPrimary;
exports.workerLabel = api.workerLabel;
exports.pm2Directory = api.pm2Directory;
exports.markProcessDead = api.markProcessDead;
exports.MultiprocessCollector = api.MultiprocessCollector;
exports.DEFAULT_PATH_RULES = api.DEFAULT_PATH_RULES;
exports.LABEL_PRESETS = api.LABEL_PRESETS;
exports.httpMetrics = api.httpMetrics;
exports.metricsHandler = api.metricsHandler;
exports.startHttpServer = api.startHttpServer;
exports.BadFileError = api.BadFileError;
exports.PromMultiprocError = api.PromMultiprocError;
exports.ListenError = api.ListenError;
exports.WebConfigError = api.WebConfigError;

// node's lexer, which finds the names that `import` can have, wants an assignment
exports.contentType = api.contentType;
// and would take the name out again for `defineProperty` with a getter
Object.defineProperties(exports, {
  contentType: {
    enumerable: true,
    get: () => api.register.contentType,
    set(contentType) {
      api.register.setContentType(contentType);
    },
  },
});
