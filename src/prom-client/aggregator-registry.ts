import { brand } from '../copies.js';
import { isForkingPrimary } from '../directory/role.js';
import {
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { noteAggregator } from '../registry/merged-view.js';
import { chosenMetrics } from './chosen-registries.js';
import { ClusterRegistry } from './cluster-registry.js';

/**
 * prom-client's class for clusters, which is of the workers alone: programs put what the primary counts beside it. A primary
 * that has made one gets its own values from `register.metrics()`.
 */
export class AggregatorRegistry<T extends RegistryContentType = PrometheusContentType> extends ClusterRegistry<T> {
  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T) {
    super(contentType);
    noteAggregator();
  }

  /**
   * The merged exposition of all processes, in a primary of all but the primary: of the default registry, or those given to
   * `setRegistries`.
   */
  override clusterMetrics(): Promise<string> {
    return chosenMetrics(this.contentType, isForkingPrimary());
  }
}

brand(AggregatorRegistry, 'AggregatorRegistry');
