/**
 * Decides whether an unnamed registry is merged with those of other processes, and under which id.
 *
 * A registry that is made while modules load is the same in every process that runs the same code: it is merged at once. A
 * registry that is made later may belong to a single request, and a probe must not show the values of another target. It
 * stays in this process until it is older than any request, and for ever if the same place makes another one.
 */
import { unnamedRegistryId } from '../model/registry-id.js';
import { shared } from '../copies.js';
import { onMaintenance } from '../storage/process-store.js';
import { type Birthplace, birthplaceOf, describePlace } from './birthplace.js';

const TRUSTED_AFTER_MS = 10_000;

/** Receives a call when its registry starts to be merged, or stops. */
interface Owner {
  sharedNameChanged(): void;
}

interface Place {
  made: number;
  /** How many of them were made while modules were loading. */
  loaded: number;
  /** The only registry so far, if it was made after modules were loaded. */
  candidate: WeakRef<UnnamedRegistry> | undefined;
}

const places = new Map<string, Place>();
const numbers = shared('registry numbers', () => ({ last: 0 }));

/** The state of a registry that may be merged, now or later. */
export class UnnamedRegistry {
  readonly #owner: Owner;
  /** The place of a registry that was made while modules were loading. */
  readonly #birthplace: Birthplace | undefined;
  readonly #ordinal: number;
  readonly #madeAt = performance.now();
  #id: string | undefined;
  #isLocal = false;
  #isChosen = false;

  constructor(owner: Owner, birthplace?: Birthplace, ordinal = 0) {
    this.#owner = owner;
    this.#birthplace = birthplace;
    this.#ordinal = ordinal;
  }

  /** The id in merged output; undefined while the registry stays in this process. */
  get id(): string | undefined {
    // describePlace reads the file system, which a registry without metrics to merge should not have to wait for
    if (this.#id === undefined && this.#birthplace !== undefined) {
      this.#id = unnamedRegistryId(`${describePlace(this.#birthplace)}#${this.#ordinal}`, 0);
    }
    return this.#id;
  }

  /** The program chose the registry for merged output: it is merged whatever else its place makes. */
  choose(): void {
    this.#isChosen = true;
    this.#trust();
  }

  trustIfOld(): void {
    if (!this.#isLocal && performance.now() - this.#madeAt >= TRUSTED_AFTER_MS) this.#trust();
  }

  stayLocal(): void {
    if (this.#isChosen) return;
    this.#isLocal = true;
    if (this.#id === undefined) return;
    this.#id = undefined;
    this.#owner.sharedNameChanged();
  }

  #trust(): void {
    if (this.id !== undefined) return;
    this.#id = unnamedRegistryId(undefined, ++numbers.last);
    this.#owner.sharedNameChanged();
  }
}

/**
 * Records an unnamed registry that is being made.
 *
 * @param constructor the class of registries
 * @param called the class that was called with `new`: the same one, or a subclass
 * @returns undefined if the registry stays in this process
 */
export function unnamedRegistry(
  owner: Owner,
  constructor: Function,
  called: Function = constructor,
): UnnamedRegistry | undefined {
  let subclasses = 0;
  for (let at: unknown = called; typeof at === 'function' && at !== constructor; subclasses++) {
    at = Object.getPrototypeOf(at);
  }
  const birthplace = birthplaceOf(constructor, subclasses);
  if (birthplace === undefined) return undefined;
  const key = `${birthplace.file}#${birthplace.functionName}`;
  let place = places.get(key);
  if (place === undefined) places.set(key, (place = { made: 0, loaded: 0, candidate: undefined }));
  place.candidate?.deref()?.stayLocal();
  place.candidate = undefined;
  const isFirst = place.made++ === 0;
  if (birthplace.whileLoading) return new UnnamedRegistry(owner, birthplace, place.loaded++);
  if (!isFirst) return undefined;
  const candidate = new UnnamedRegistry(owner);
  place.candidate = new WeakRef(candidate);
  return candidate;
}

// registries that were made after loading may now be old enough to be merged
onMaintenance(() => {
  for (const { candidate } of places.values()) candidate?.deref()?.trustIfOld();
});
