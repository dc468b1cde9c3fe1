import { brand } from '../copies.js';
import {
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { ClusterRegistry } from './cluster-registry.js';

/** @prometheus-io/client's class for worker threads. Here threads are merged like processes. */
export class WorkerRegistry<T extends RegistryContentType = PrometheusContentType> extends ClusterRegistry<T> {
  /** In @prometheus-io/client: whether this thread coordinates the others. It has no effect here. */
  readonly primary: boolean;

  /** @throws {TypeError} prom-client's error, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, primary = true) {
    super(contentType);
    this.primary = primary;
  }

  /** Returns the merged exposition of all threads and processes. */
  workerMetrics(): Promise<string> {
    return this.clusterMetrics();
  }
}

brand(WorkerRegistry, 'WorkerRegistry');
