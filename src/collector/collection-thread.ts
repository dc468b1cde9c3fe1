/** The program of the piscina thread. It keeps the engines, and so the indexes, from one scrape to the next. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type LockSurvey, useSurvey } from '../directory/writer-locks.js';
import type { CollectionOptions } from './collection.js';
import { type Collected, type CollectionRequest, Engine } from './engine.js';
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
export interface ThreadResult extends Omit<Collected, 'families'> {
  readonly families: Map<string, PackedFamilies>;
}

function collect(task: ThreadTask): ThreadResult {
  useSurvey(task.locks);
  let engine = engines.get(task.key);
  if (engine === undefined) {
    engine = new Engine(task.options);
    engines.set(task.key, engine);
  }
  const { families, ...collected } = completed(engine.collect(task));
  const packed = new Map([...families].map(([key, each]) => [key, packFamilies(each)]));
  const result: ThreadResult = { ...collected, families: packed };
  // lent bodies stay, in memory that is shared
  const moving = [...collected.bodies].filter(([key]) => !collected.loans.has(key)).map(([, body]) => body);
  const buffers = [...moving, ...[...packed.values()].flat()].map(({ buffer }) => buffer as ArrayBuffer);
  if (buffers.length === 0) return result;
  return move({ [transferableSymbol]: buffers, [valueSymbol]: result }) as unknown as ThreadResult;
}

// piscina calls the default export of a module
export default collect;
