import type { FamilyScope } from '../metrics-file/family-scope.js';

/** Which of the families in a directory an output shows; plain data, so that it reaches the thread that collects. */
export interface Selection {
  /** Names of registries, or 'all'. */
  readonly registries: readonly string[] | 'all';
}

export function selects({ registries }: Selection, scope: FamilyScope): boolean {
  return registries === 'all' || scope.registries.some((name) => registries.includes(name));
}
