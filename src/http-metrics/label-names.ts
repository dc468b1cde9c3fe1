import { invalidArgument } from '../errors.js';

/** Names of the labels that each request has. */
export interface LabelNames {
  readonly method: string;
  readonly route: string;
  readonly status: string;
}

/** The names that other libraries use, for dashboards that exist already. */
export const LABEL_PRESETS = {
  default: { method: 'method', route: 'route', status: 'status_code' },
  'express-prom-bundle': { method: 'method', route: 'path', status: 'status_code' },
  'fastify-metrics': { method: 'method', route: 'route', status: 'status_code' },
  promster: { method: 'method', route: 'path', status: 'status_code' },
  'prometheus-api-metrics': { method: 'method', route: 'route', status: 'code' },
  hono: { method: 'method', route: 'route', status: 'status' },
} as const satisfies Record<string, LabelNames>;
export type LabelPreset = keyof typeof LABEL_PRESETS;

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there is no such preset */
export function labelNamesOf(labels: LabelPreset | Partial<LabelNames> = 'default'): LabelNames {
  if (typeof labels !== 'string') return { ...LABEL_PRESETS.default, ...labels };
  if (Object.hasOwn(LABEL_PRESETS, labels)) return LABEL_PRESETS[labels];
  throw invalidArgument(
    `labels ${JSON.stringify(labels)} is no preset: it is one of ${Object.keys(LABEL_PRESETS).join(', ')}`,
  );
}
