import { Summary } from '../../index.js';

export = Summary;
