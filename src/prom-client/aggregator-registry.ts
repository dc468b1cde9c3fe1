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
 * prom-client's class for clusters. Its output covers the workers only, and programs add the values of the primary
 * themselves. In a primary that has made an AggregatorRegistry, `register.metrics()` shows the primary's own values.
 */
export class AggregatorRegistry<T extends RegistryContentType = PrometheusContentType> extends ClusterRegistry<T> {
  /** @throws {TypeError} prom-client's error, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T) {
    super(contentType);
    noteAggregator();
  }

  /**
   * Returns the merged exposition of all processes, in a primary without the primary: of the default registry, or of those
   * given to `setRegistries`.
   */
  override clusterMetrics(): Promise<string> {
    return chosenMetrics(this.contentType, isForkingPrimary());
  }
}

brand(AggregatorRegistry, 'AggregatorRegistry');
