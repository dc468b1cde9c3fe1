import { Counter } from '../../index.js';

export = Counter;
