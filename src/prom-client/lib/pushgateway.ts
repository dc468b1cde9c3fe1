import { Pushgateway } from '../../index.js';

export = Pushgateway;
