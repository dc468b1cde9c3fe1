/** What the piscina thread runs. It keeps the engines, and with them the indexes, from one scrape to the next. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type LockSurvey, useSurvey } from '../directory/writer-locks.js';
import type { CollectionOptions } from './collection.js';
import { type Collected, type CollectionRequest, Engine } from './engine.js';

export interface ThreadTask extends CollectionRequest {
  /** Tells engines apart. */
  readonly key: string;
  readonly options: CollectionOptions;
  /** Which writers hold their locks, for a thread asks nobody. */
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

// piscina takes a module's default export
export default collect;
