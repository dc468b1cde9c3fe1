/**
 * Whether a registry without a name is merged with those of other processes, and as what.
 *
 * One that is made while modules load is the same thing in every process that runs the same code: it is merged at once. One
 * that is made later may belong to a single request, and a probe must not show the values of another target: it stays in
 * this process until it has lived longer than any request does, and for good if its place has made another one.
 */
import { unnamedRegistryId } from '../model/registry-id.js';
import { shared } from '../copies.js';
import { onMaintenance } from '../storage/process-store.js';
import { type Birthplace, birthplaceOf, describePlace } from './birthplace.js';

const TRUSTED_AFTER_MS = 10_000;

/** What is told that its registry is merged from now on, or no longer. */
interface Owner {
  sharedNameChanged(): void;
}

interface Place {
  made: number;
  /** Of them, while modules were loading. */
  loaded: number;
  /** The only registry so far, if it was made later. */
  candidate: WeakRef<UnnamedRegistry> | undefined;
}

const places = new Map<string, Place>();
const numbers = shared('registry numbers', () => ({ last: 0 }));

/** Of a registry that may be merged, now or later. */
export class UnnamedRegistry {
  readonly #owner: Owner;
  /** Of a registry that was made while modules were loading. */
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

  /** In merged output; undefined while the registry stays in this process. */
  get id(): string | undefined {
    // the place in words asks the file system, for which nobody waits who has no metrics to merge
    if (this.#id === undefined && this.#birthplace !== undefined) {
      this.#id = unnamedRegistryId(`${describePlace(this.#birthplace)}#${this.#ordinal}`, 0);
    }
    return this.#id;
  }

  /** Its program has chosen the registry for merged output, whatever else its place makes. */
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
 * Takes note of a registry without a name that is being made.
 *
 * @param constructor of registries
 * @param called what was called with `new`: it, or a subclass
 * @returns undefined where the registry stays in this process
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

// registries that were made late may have lived long enough to be merged
onMaintenance(() => {
  for (const { candidate } of places.values()) candidate?.deref()?.trustIfOld();
});
