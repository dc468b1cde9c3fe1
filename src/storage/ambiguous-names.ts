import { isUnnamedRegistry } from '../model/registry-id.js';

const AMBIGUOUS = Symbol('ambiguous');

/**
 * Names of families that two registries without a name have shown in this process. From then on the name alone does not
 * tell a reader to which of them a family belongs, even when one of the two is gone. The family's record tells readers so.
 */
export class AmbiguousNames {
  /** The one registry without a name that has shown a family of this name; AMBIGUOUS after a second one has. */
  readonly #registries = new Map<string, string | typeof AMBIGUOUS>();

  has(name: string): boolean {
    return this.#registries.get(name) === AMBIGUOUS;
  }

  /** Records the registries that show a family. @returns whether its name has become ambiguous */
  note(name: string, registries: readonly string[]): boolean {
    const known = this.#registries.get(name);
    if (known === AMBIGUOUS) return false;
    const ids = new Set(registries.filter(isUnnamedRegistry));
    if (known !== undefined) ids.add(known);
    const [first] = ids;
    if (first !== undefined) this.#registries.set(name, ids.size > 1 ? AMBIGUOUS : first);
    return ids.size > 1;
  }
}
