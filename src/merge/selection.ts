import type { FamilyScope } from '../metrics-file/family-scope.js';
import { isPlace } from '../model/registry-id.js';

/** The families of a directory that an output shows; plain data, so that it can be sent to the thread that collects. */
export interface Selection {
  /** Names of registries, or 'all'. */
  readonly registries: readonly string[] | 'all';
  /** Leaves out the counts of a cluster's primary. */
  readonly withoutPrimary?: boolean;
  /** Replaces `registries`: the families of one registry without a name. */
  readonly unnamed?: UnnamedSelection;
}

/** A registry without a name shows the families that it has in this process, from processes of the same role. */
export interface UnnamedSelection {
  /** See model/registry-id.ts. */
  readonly id: string;
  readonly isPrimary: boolean;
  /** By family name: the declaration as a key (`metricKey`). */
  readonly declarations: Readonly<Record<string, string>>;
}

/** @param isAmbiguous whether any process of this role had the name in two registries without a name */
export function selects(selection: Selection, name: string, scope: FamilyScope, isAmbiguous: boolean): boolean {
  const { registries, withoutPrimary = false, unnamed } = selection;
  if (withoutPrimary && scope.isPrimary) return false;
  if (unnamed === undefined) return registries === 'all' || scope.registries.some((each) => registries.includes(each));
  if (scope.isPrimary !== unnamed.isPrimary || scope.declaration === undefined) return false;
  if (!Object.hasOwn(unnamed.declarations, name) || unnamed.declarations[name] !== scope.declaration) return false;
  return !isAmbiguous || (isPlace(unnamed.id) && scope.registries.includes(unnamed.id));
}
