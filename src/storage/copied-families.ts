import { declarationKey, type FamilyDeclaration } from '../model/family-declaration.js';
import type { SeriesFamily } from './series.js';

/** The series of a metric, in one copy of this package. */
interface Holder {
  readonly copy?: symbol;
  readonly exemplars?: boolean;
}

/** Finds metrics that several copies of this package in one process declare in the same way, so that they share cells. */
export class CopiedFamilies {
  readonly #copies = new Set<symbol>();

  /** The family of another copy that is the same metric, shown in the same registries. */
  sameMetric(
    families: Iterable<SeriesFamily>,
    declaration: FamilyDeclaration,
    registries: readonly string[],
    owner: unknown,
  ): SeriesFamily | undefined {
    const { copy, exemplars } = holderOf(owner);
    if (copy !== undefined) this.#copies.add(copy);
    if (this.#copies.size < 2 || copy === undefined || registries.length === 0) return undefined;
    // each copy adds labels, and measures the process, by itself
    const { type, openLabels, processWide } = declaration;
    if (type === 'info' || openLabels === true || processWide === true) return undefined;
    const key = keyOf(declaration, registries);
    for (const family of families) {
      if (family.declaration.name !== declaration.name) continue;
      if (keyOf(family.declaration, family.registries) !== key) continue;
      const holders = family.holders.map(holderOf);
      const isOfOthers = holders.every((other) => other.copy !== undefined && other.copy !== copy);
      if (isOfOthers && holders[0].exemplars === exemplars) return family;
    }
    return undefined;
  }
}

function keyOf(declaration: FamilyDeclaration, registries: readonly string[]): string {
  return JSON.stringify([declarationKey(declaration), registries.toSorted()]);
}

function holderOf(owner: unknown): Holder {
  return owner ?? {};
}
