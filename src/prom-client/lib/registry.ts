import { Registry } from '../../index.js';

export = Registry;
