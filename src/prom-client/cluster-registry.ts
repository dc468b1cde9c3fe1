import { brand } from '../copies.js';
import {
  type OpenMetricsContentType,
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { Registry } from '../registry/registry.js';
import { prepareStore } from '../storage/process-store.js';
import { chooseRegistries, chosenMetrics } from './chosen-registries.js';

type Registries = (Registry | Registry<OpenMetricsContentType>)[] | Registry | Registry<OpenMetricsContentType>;

/**
 * @prometheus-io/client's class for clusters. Here it works in any process, not only in the primary, and no worker has to
 * send a reply.
 */
export class ClusterRegistry<T extends RegistryContentType = PrometheusContentType> extends Registry<T> {
  /** @throws {TypeError} prom-client's error, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T) {
    super(contentType, { name: 'aggregator' });
  }

  /** Returns the merged exposition of all processes: of the default registry, or of those given to `setRegistries`. */
  clusterMetrics(): Promise<string> {
    return chosenMetrics(this.contentType, false);
  }

  /**
   * Writes pending values to the place that readers read. Without a call nothing is lost; @prometheus-io/client requires it.
   */
  async shutdown(): Promise<void> {
    await prepareStore();
  }

  /**
   * Chooses the registries that cluster output shows in place of the default one. Every process that calls it adds its
   * choice.
   *
   * @throws {TypeError} prom-client's error, where a value is not a registry
   */
  static setRegistries(registries: Registries): void {
    chooseRegistries(registries as Registry<any> | Registry<any>[]);
  }
}

brand(ClusterRegistry, 'ClusterRegistry');
