import { Histogram } from '../../index.js';

export = Histogram;
