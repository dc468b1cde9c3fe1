import { AggregatorRegistry } from '../../index.js';

export = AggregatorRegistry;
