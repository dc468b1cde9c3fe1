/** The program of the piscina thread. It keeps the engines, and so the indexes, from one scrape to the next. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type LockSurvey, useSurvey } from '../directory/writer-locks.js';
import type { CollectionOptions } from './collection.js';
import { type Collected, type CollectionRequest, Engine } from './engine.js';

export interface ThreadTask extends CollectionRequest {
  /** Identifies an engine. */
  readonly key: string;
  readonly options: CollectionOptions;
  /** The writers that hold their locks: a thread cannot test locks itself. */
  readonly locks: LockSurvey | undefined;
}

const engines = new Map<string, Engine>();

function collect(task: ThreadTask): Collected {
  useSurvey(task.locks);
  let engine = engines.get(task.key);
  if (engine === undefined) {
    engine = new Engine(task.options);
    engines.set(task.key, engine);
  }
  const steps = engine.collect(task);
  for (;;) {
    const step = steps.next();
    if (step.done !== true) continue;
    const collected = step.value;
    const buffers = [...collected.bodies.values()].map(({ buffer }) => buffer);
    if (buffers.length === 0) return collected;
    return move({ [transferableSymbol]: buffers, [valueSymbol]: collected }) as unknown as Collected;
  }
}

// piscina calls the default export of a module
export default collect;
