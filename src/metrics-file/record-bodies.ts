/** Validates bodies of records that anybody may have written; undefined where a body is invalid. */
import { isLabelName } from '../model/naming.js';

export interface Address {
  readonly block: number;
  readonly slot: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** An address as the key of a map: there are fewer than 2^16 blocks and 2^32 slots, so that both make one exact number. */
export function placeOf({ block, slot }: Address): number {
  return block * 2 ** 32 + slot;
}

export function addressOf(body: unknown): Address | undefined {
  const { block, slot } = body as Fields;
  return isCount(block) && isCount(slot) ? { block, slot } : undefined;
}

/** The former and the new places of gauges. */
export type Moves = readonly (readonly [from: Address, to: Address])[];

export function movesOf(body: unknown): Moves | undefined {
  const { moves } = body as Fields;
  if (!Array.isArray(moves) || moves.length % 4 !== 0 || !moves.every(isCount)) return undefined;
  return Array.from({ length: moves.length / 4 }, (_, at) => {
    const [fromBlock, fromSlot, block, slot] = moves.slice(4 * at, 4 * at + 4);
    return [
      { block: fromBlock, slot: fromSlot },
      { block, slot },
    ];
  });
}

export function defaultLabelsOf(body: unknown): { registry: string; labels: Record<string, string> } | undefined {
  const { registry, labels } = body as Fields;
  return typeof registry === 'string' && isLabels(labels) ? { registry, labels } : undefined;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function ownerOf(owner: unknown): Address | undefined {
  if (!Array.isArray(owner) || owner.length !== 2) return undefined;
  const [block, slot] = owner as unknown[];
  return addressOf({ block, slot });
}

function isLabels(labels: unknown): labels is Record<string, string> {
  if (typeof labels !== 'object' || labels === null) return false;
  return Object.entries(labels).every(([name, value]) => isLabelName(name) && typeof value === 'string');
}
