/** The program of the piscina thread. It keeps the engines, and so the indexes, from one scrape to the next. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type LockSurvey, useSurvey } from '../directory/writer-locks.js';
import type { CollectionOptions } from './collection.js';
import { type Collected, type CollectionRequest, Engine, productKey, type Results } from './engine.js';
import { type PackedFamilies, packFamilies } from './packed-families.js';
import { completed } from '../time-slices.js';

export interface ThreadTask extends CollectionRequest {
  /** Identifies an engine. */
  readonly key: string;
  readonly options: CollectionOptions;
  /** The writers that hold their locks: a thread cannot test locks itself. */
  readonly locks: LockSurvey | undefined;
}

const engines = new Map<string, Engine>();

/** The result of a collection, in the form in which it leaves the thread. */
export interface ThreadResult extends Collected {
  /** The families that its results had, by `productKey`. */
  readonly packed: ReadonlyMap<string, PackedFamilies>;
}

function collect(task: ThreadTask): ThreadResult {
  useSurvey(task.locks);
  let engine = engines.get(task.key);
  if (engine === undefined) {
    engine = new Engine(task.options);
    engines.set(task.key, engine);
  }
  const collected = completed(engine.collect(task));
  const packed = new Map<string, PackedFamilies>();
  const moving: Uint8Array[] = [];
  for (const product of task.products) {
    const key = productKey(product);
    const result = collected.results.get(key);
    if (product.kind === 'families') {
      const parts = packFamilies((result as Results['families']).families.splice(0));
      packed.set(key, parts);
      moving.push(...parts);
    } else if (product.kind === 'body') {
      const { body, loan } = result as Results['body'];
      // lent bodies stay, in memory that is shared
      if (loan === undefined) moving.push(body);
    }
  }
  const result: ThreadResult = { ...collected, packed };
  if (moving.length === 0) return result;
  const buffers = moving.map(({ buffer }) => buffer as ArrayBuffer);
  return move({ [transferableSymbol]: buffers, [valueSymbol]: result }) as unknown as ThreadResult;
}

// piscina calls the default export of a module
export default collect;
