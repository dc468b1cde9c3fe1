import { metricKey } from '../model/family-declaration.js';
import { archivedRegistryId, isUnnamedRegistry } from '../model/registry-id.js';
import { type FamilyRecord, ownLabelNames } from './record.js';

/**
 * Separates families with the same name by where they are shown. The index and the archive merge families of one scope; an
 * output that shows several scopes merges those.
 */
export interface FamilyScope {
  /** The registries that show the family, without the numbers that are valid in one file only. */
  readonly registries: readonly string[];
  /** Whether the primary of a cluster declares it. */
  readonly isPrimary: boolean;
  /** The declaration as a key (`metricKey`), where a registry without a name shows the family. */
  readonly declaration: string | undefined;
  /** Whether the process had this name in two registries without a name. */
  readonly isAmbiguous: boolean;
}

export function scopeOf(record: Omit<FamilyRecord, 'id'>): FamilyScope {
  const { primary = false, ambiguous = false } = record;
  const registries = registriesOf(record);
  const isUnnamed = registries.some(isUnnamedRegistry);
  return {
    registries,
    isPrimary: primary,
    declaration: isUnnamed ? metricKey(record, ownLabelNames(record)) : undefined,
    isAmbiguous: isUnnamed && ambiguous,
  };
}

/** Returns the ids of the registries that show a family, as an archive has them, in the order of their numbers. */
export function registriesOf({ registries }: Pick<FamilyRecord, 'registries'>): string[] {
  return [...new Set(registries.map(archivedRegistryId))].toSorted();
}

/** Equal for equal scopes. */
export function scopeKey(record: Omit<FamilyRecord, 'id'>): string {
  const { registries, isPrimary, declaration, isAmbiguous } = scopeOf(record);
  return JSON.stringify([registries, isPrimary, declaration, isAmbiguous]);
}
