/**
 * How a family's record names the registries that show it. A registry with a name is called by it. One without has an id
 * that begins with '?': the place where it was made, if it was made there while modules were loading, which every process
 * that runs the same code has too; otherwise a number of this process, which no other process can refer to.
 */
/** The name of the default registry. */
export const DEFAULT_REGISTRY = 'default';

const UNNAMED = '?';
const NUMBERED = '?#';

/** @param place `package/relative path#function#ordinal`; undefined where the registry was not made by loading a module */
export function unnamedRegistryId(place: string | undefined, number: number): string {
  return place === undefined ? NUMBERED + number : UNNAMED + place;
}

export function isUnnamedRegistry(id: string): boolean {
  return id.startsWith(UNNAMED);
}

/** Whether two processes that have this id mean registries that were made at the same place. */
export function isPlace(id: string): boolean {
  return isUnnamedRegistry(id) && id !== UNNAMED && !id.startsWith(NUMBERED);
}

/** The id as an archive has it, where a number of a dead process means nothing. */
export function archivedRegistryId(id: string): string {
  return id.startsWith(NUMBERED) ? UNNAMED : id;
}
