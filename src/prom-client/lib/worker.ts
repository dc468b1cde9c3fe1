import { WorkerRegistry } from '../../index.js';

export = WorkerRegistry;
