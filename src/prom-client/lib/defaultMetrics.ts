import { collectDefaultMetrics } from '../../index.js';

export = collectDefaultMetrics;
