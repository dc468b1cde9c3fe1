import { defaultMetricFile } from '../../default-metric-file.js';

export = defaultMetricFile('version');
