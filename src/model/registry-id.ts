/**
 * Ids of registries in the records of families. The id of a named registry is its name. The id of an unnamed registry begins
 * with '?'. If the registry was made while modules were loading, the rest is the place where it was made: every process that
 * runs the same code has that place too. Otherwise the rest is a number of this process, which no other process can refer
 * to.
 */
export const DEFAULT_REGISTRY = 'default';

const UNNAMED = '?';
const NUMBERED = '?#';

/** Begins the ids that registries have in addition to their own. */
const ADDITIONAL = '!';
const CHOSEN = '!chosen#';
/** The default registry of a process that gave others to `setRegistries`. */
export const NOT_CHOSEN = '!other';

/**
 * Returns the additional id of a registry that a process gave to `setRegistries`. Each of them has its own, since their
 * default labels may differ.
 */
export function chosenRegistryId(number: number): string {
  return CHOSEN + number;
}

export function isChosenRegistry(id: string): boolean {
  return id.startsWith(CHOSEN);
}

/** Whether the registry has another id, under which outputs of all registries show it. */
export function isAdditionalId(id: string): boolean {
  return id.startsWith(ADDITIONAL);
}

export function isRegistryName(name: string): boolean {
  return name !== '' && !name.startsWith(UNNAMED) && !name.startsWith(ADDITIONAL);
}

/**
 * @param place `package/relative path#function#ordinal`; undefined if the registry was not made while modules were loading
 */
export function unnamedRegistryId(place: string | undefined, number: number): string {
  return place === undefined ? NUMBERED + number : UNNAMED + place;
}

export function isUnnamedRegistry(id: string): boolean {
  return id.startsWith(UNNAMED);
}

/** Whether this id means, in two processes, registries that were made at the same place. */
export function isPlace(id: string): boolean {
  return isUnnamedRegistry(id) && id !== UNNAMED && !id.startsWith(NUMBERED);
}

/** Returns the id for an archive, where a number of a dead process has no meaning. */
export function archivedRegistryId(id: string): string {
  return id.startsWith(NUMBERED) ? UNNAMED : id;
}
