import { type Aggregators, promClientAggregators } from '../registry/aggregation.js';

/** prom-client's functions that merge objects of `getMetricsAsJSON()`, by name. */
export const aggregators: Aggregators = promClientAggregators();
