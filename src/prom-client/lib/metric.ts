import { Metric } from '../../instruments/metric.js';

export = { Metric };
