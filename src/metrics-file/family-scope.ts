import { metricKey } from '../model/family-declaration.js';
import { archivedRegistryId, isUnnamedRegistry } from '../model/registry-id.js';
import { type FamilyRecord, ownLabelNames } from './record.js';

/**
 * What keeps families of one name apart: where they are shown. Families of one scope are merged in the index and in the
 * archive; those of different scopes where an output shows both.
 */
export interface FamilyScope {
  /** The registries that show the family, without numbers that mean something in one file only. */
  readonly registries: readonly string[];
  /** Whether the primary of a cluster declares it. */
  readonly isPrimary: boolean;
  /** As what it is declared (`metricKey`), where a registry without a name shows it. */
  readonly declaration: string | undefined;
  /** Whether the process had the name in two registries without a name. */
  readonly isAmbiguous: boolean;
}

export function scopeOf(record: Omit<FamilyRecord, 'id'>): FamilyScope {
  const { primary = false, ambiguous = false } = record;
  const registries = [...new Set(record.registries.map(archivedRegistryId))].toSorted();
  const isUnnamed = registries.some(isUnnamedRegistry);
  return {
    registries,
    isPrimary: primary,
    declaration: isUnnamed ? metricKey(record, ownLabelNames(record)) : undefined,
    isAmbiguous: isUnnamed && ambiguous,
  };
}

/** The same for scopes that are the same. */
export function scopeKey(record: Omit<FamilyRecord, 'id'>): string {
  const { registries, isPrimary, declaration, isAmbiguous } = scopeOf(record);
  return JSON.stringify([registries, isPrimary, declaration, isAmbiguous]);
}
