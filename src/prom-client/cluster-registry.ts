import { brand } from '../copies.js';
import {
  type OpenMetricsContentType,
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { Registry } from '../registry/registry.js';
import { flushStore } from '../storage/process-store.js';
import { chooseRegistries, chosenMetrics } from './chosen-registries.js';

type Registries = (Registry | Registry<OpenMetricsContentType>)[] | Registry | Registry<OpenMetricsContentType>;

/**
 * @prometheus-io/client's class for clusters. Here any process can be asked, not the primary alone, and no worker has to
 * answer.
 */
export class ClusterRegistry<T extends RegistryContentType = PrometheusContentType> extends Registry<T> {
  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T) {
    super(contentType, { name: 'aggregator' });
  }

  /** The merged exposition of all processes: of the default registry, or those given to `setRegistries`. */
  clusterMetrics(): Promise<string> {
    return chosenMetrics(this.contentType, false);
  }

  /** Brings what was counted to where readers find it. Nothing is lost without it; @prometheus-io/client needs it. */
  async shutdown(): Promise<void> {
    flushStore();
  }

  /**
   * Chooses the registries that cluster output shows instead of the default one; for all processes that call it.
   *
   * @throws {TypeError} prom-client's, for what is no registry
   */
  static setRegistries(registries: Registries): void {
    chooseRegistries(registries as Registry<any> | Registry<any>[]);
  }
}

brand(ClusterRegistry, 'ClusterRegistry');
