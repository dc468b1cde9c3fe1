/**
 * The package's root, written by hand: without `__esModule`, so that `require`, `import { Counter }`, `import * as` and
 * TypeScript's `import client from` all see the same exports and share one state. A test holds it against index.ts.
 */

// index.ts has the same names; its modules are named here one by one, so that those of functions load at their first call
require('./collector/merged-view.js');
const { register } = require('./registry/default-registry.js');
const { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } = require('./registry/content-type.js');
const { exponentialBuckets, linearBuckets } = require('./model/buckets.js');
const { BadFileError, PromMultiprocError } = require('./errors.js');

exports.Counter = require('./instruments/counter.js').Counter;
exports.Gauge = require('./instruments/gauge.js').Gauge;
exports.Histogram = require('./instruments/histogram.js').Histogram;
exports.Info = require('./instruments/info.js').Info;
exports.StateSet = require('./instruments/state-set.js').StateSet;
exports.Summary = require('./instruments/summary.js').Summary;
exports.register = register;
exports.Registry = require('./registry/registry.js').Registry;
exports.openMetricsContentType = OPENMETRICS_CONTENT_TYPE;
exports.prometheusContentType = PROMETHEUS_CONTENT_TYPE;
exports.aggregators = require('./registry/aggregation.js').aggregators;
exports.AggregatorRegistry = require('./prom-client/aggregator-registry.js').AggregatorRegistry;
exports.ClusterRegistry = require('./prom-client/cluster-registry.js').ClusterRegistry;
exports.WorkerRegistry = require('./prom-client/worker-registry.js').WorkerRegistry;
exports.mirrorRegistry = (...args) => require('./mirror/mirror-registry.js').mirrorRegistry(...args);
exports.collectDefaultMetrics = require('./default-metrics/default-metrics.js').collectDefaultMetrics;
exports.MetricType = require('./prom-client/metric-type.js').MetricType;
exports.registerPath = require('./prom-client/register-path.js').registerPath;
exports.Pushgateway = require('./push/pushgateway.js').Pushgateway;
exports.writeToTextfile = (...args) => require('./push/textfile.js').writeToTextfile(...args);
exports.exponentialBuckets = exponentialBuckets;
exports.linearBuckets = linearBuckets;
exports.validateMetricName = require('./model/naming.js').validateMetricName;
exports.MULTIPROCESS_MODES = require('./model/gauge-mode.js').MULTIPROCESS_MODES;
exports.setupPrimary = (...args) => require('./cluster/setup-primary.js').setupPrimary(...args);
exports.workerLabel = (...args) => require('./cluster/worker-label.js').workerLabel(...args);
exports.pm2Directory = (...args) => require('./cluster/pm2-directory.js').pm2Directory(...args);
exports.markProcessDead = (...args) => require('./directory/mark-dead.js').markProcessDead(...args);
exports.MultiprocessCollector = require('./collector/multiprocess-collector.js').MultiprocessCollector;
exports.DEFAULT_PATH_RULES = require('./http-metrics/path-normalizer.js').DEFAULT_PATH_RULES;
exports.LABEL_PRESETS = require('./http-metrics/label-names.js').LABEL_PRESETS;
exports.httpMetrics = (...args) => require('./http-metrics/http-metrics.js').httpMetrics(...args);
exports.metricsHandler = (...args) => require('./serve/answer/handler.js').metricsHandler(...args);
exports.startHttpServer = (...args) => require('./serve/listen/http-server.js').startHttpServer(...args);
exports.BadFileError = BadFileError;
exports.PromMultiprocError = PromMultiprocError;
exports.ListenError = require('./serve/listen/listen-error.js').ListenError;
exports.WebConfigError = require('./serve/web-config/web-config-error.js').WebConfigError;

// node's lexer, which finds the names that `import` can have, wants an assignment
exports.contentType = register.contentType;
// and would take the name out again for `defineProperty` with a getter
Object.defineProperties(exports, {
  contentType: {
    enumerable: true,
    get: () => register.contentType,
    set(contentType) {
      register.setContentType(contentType);
    },
  },
});
