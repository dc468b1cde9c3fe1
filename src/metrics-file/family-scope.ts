/**
 * What keeps families of one name apart: where they are shown. Families of one scope are merged in the index and in the
 * archive; those of different scopes where an output shows both.
 */
export interface FamilyScope {
  /** Names of the registries that show the family. */
  readonly registries: readonly string[];
}

export function scopeOf({ registries }: FamilyScope): FamilyScope {
  return { registries };
}

/** The same for scopes that are the same. */
export function scopeKey({ registries }: FamilyScope): string {
  return JSON.stringify(registries.toSorted());
}
