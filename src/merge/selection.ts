import type { FamilyScope } from '../metrics-file/family-scope.js';
import { isAdditionalId, isChosenRegistry, isPlace, isUnnamedRegistry, NOT_CHOSEN } from '../model/registry-id.js';

/** The families of a directory that an output shows; plain data, so that it can be sent to the thread that collects. */
export interface Selection {
  /** Names of registries, or 'all'. */
  readonly registries: readonly string[] | 'all';
  /**
   * Adds the registries that processes gave to `setRegistries`. Processes that gave some show only these, and not the
   * default registry.
   */
  readonly chosen?: boolean;
  /** Leaves out the default labels of registries. */
  readonly withoutDefaultLabels?: boolean;
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
  if (unnamed === undefined) return registries === 'all' || selectedRegistries(selection, scope).length > 0;
  if (scope.isPrimary !== unnamed.isPrimary || scope.declaration === undefined) return false;
  if (!Object.hasOwn(unnamed.declarations, name) || unnamed.declarations[name] !== scope.declaration) return false;
  return !isAmbiguous || (isPlace(unnamed.id) && scope.registries.includes(unnamed.id));
}

/** Whether the output shows the default labels of a registry with families of this scope. */
export function showsLabelsOf(registry: string, selection: Selection, scope: FamilyScope): boolean {
  const { registries, unnamed, withoutDefaultLabels = false } = selection;
  if (withoutDefaultLabels) return false;
  if (unnamed !== undefined) return scope.isAmbiguous ? registry === unnamed.id : isUnnamedRegistry(registry);
  if (registries === 'all') return !isAdditionalId(registry);
  return selectedRegistries(selection, scope).includes(registry);
}

/** The registries of a family that the output shows. */
function selectedRegistries({ registries, chosen = false }: Selection, scope: FamilyScope): readonly string[] {
  if (chosen) {
    const given = scope.registries.filter(isChosenRegistry);
    if (given.length > 0 || scope.registries.includes(NOT_CHOSEN)) return given;
  }
  return scope.registries.filter((each) => registries.includes(each));
}
