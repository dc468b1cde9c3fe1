import type { PublishStep } from '../../src/metrics-file/writer.js';

/** The steps at which a writer publishes, in their order. */
export const PUBLISH_STEPS: readonly PublishStep[] = [
  'block made',
  'block headed',
  'block published',
  'record written',
  'record published',
  'log restarted',
  'epoch published',
];
