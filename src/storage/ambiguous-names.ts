import { isUnnamedRegistry } from '../model/registry-id.js';

/**
 * Names of families that two registries without a name have shown in this process. From then on the name alone does not
 * tell a reader to which of them a family belongs, even when one of the two is gone. The family's record tells readers so.
 */
export class AmbiguousNames {
  /** The one registry without a name that has shown a family of this name. */
  readonly #registries = new Map<string, string>();
  readonly #ambiguous = new Set<string>();

  has(name: string): boolean {
    return this.#ambiguous.has(name);
  }

  /** Records the registries that show a family. @returns whether its name has become ambiguous */
  note(name: string, registries: readonly string[]): boolean {
    if (this.#ambiguous.has(name)) return false;
    for (const id of registries) {
      if (!isUnnamedRegistry(id)) continue;
      const known = this.#registries.get(name);
      if (known !== undefined && known !== id) {
        this.#registries.delete(name);
        this.#ambiguous.add(name);
        return true;
      }
      this.#registries.set(name, id);
    }
    return false;
  }
}
