import { brand } from '../copies.js';
import {
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { ClusterRegistry } from './cluster-registry.js';

/** @prometheus-io/client's class for worker threads. Threads and processes are merged alike here. */
export class WorkerRegistry<T extends RegistryContentType = PrometheusContentType> extends ClusterRegistry<T> {
  /** Whether this thread coordinates the others there; nothing depends on it here. */
  readonly primary: boolean;

  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, primary = true) {
    super(contentType);
    this.primary = primary;
  }

  /** The merged exposition of all threads and processes. */
  workerMetrics(): Promise<string> {
    return this.clusterMetrics();
  }
}

brand(WorkerRegistry, 'WorkerRegistry');
