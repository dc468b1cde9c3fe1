import { Gauge } from '../../index.js';

export = Gauge;
