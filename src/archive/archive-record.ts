import { type ClockReading, clockReadingOf } from './clock-reading.js';

/** What folds have left out of an archive, although it was counted. */
export interface ArchiveLosses {
  /** Number of series for which there was no room, or that had a value that is not a finite number. */
  readonly droppedSeries: number;
  /** Number of metrics that no process had declared for long. */
  readonly droppedFamilies: number;
  /** Number of series that were idle for longer than the `expireAfterSeconds` of their metric. */
  readonly expiredSeries: number;
}

export const NO_LOSSES: ArchiveLosses = { droppedSeries: 0, droppedFamilies: 0, expiredSeries: 0 };

/** The facts that an archive stores about itself; the losses are those of all folds. */
export interface ArchiveRecord extends ArchiveLosses {
  readonly generation: number;
  /** Clocks of the fold that made it: its times refer to this wall clock. Undefined where there is no reading. */
  readonly foldedAt: ClockReading | undefined;
  /** Ids of the files whose counts it contains, as long as such a file might still be found. */
  readonly absorbed: ReadonlySet<string>;
  /** Those of them that stay until a time (seconds since the epoch), whether or not the file exists. */
  readonly remembered: readonly (readonly [id: string, until: number])[];
  /** Number of files that were ever folded into it. */
  readonly files: number;
}

/** The record in the form that is packed: msgpack has no sets. */
export function packableArchiveRecord({ absorbed, foldedAt, ...record }: ArchiveRecord): object {
  const clocks = foldedAt === undefined ? undefined : [foldedAt.wall, foldedAt.bootId, foldedAt.uptime];
  return { ...record, foldedAt: clocks, absorbed: [...absorbed] };
}

/** Validates a record that anybody may have written; undefined where it is invalid. */
export function archiveRecord(body: unknown): ArchiveRecord | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { generation, foldedAt, absorbed, remembered, files, droppedSeries, droppedFamilies, expiredSeries } =
    body as Record<string, unknown>;
  if (!Number.isSafeInteger(generation) || !Array.isArray(absorbed)) return undefined;
  const pairs = Array.isArray(remembered) ? (remembered as unknown[]) : [];
  const numberOf = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0);
  return {
    generation: generation as number,
    foldedAt: clockReadingOf(foldedAt),
    absorbed: new Set(absorbed.map(String)),
    remembered: pairs.flatMap((pair) =>
      Array.isArray(pair) && typeof pair[1] === 'number' ? [[String(pair[0]), pair[1]] as const] : [],
    ),
    files: numberOf(files),
    droppedSeries: numberOf(droppedSeries),
    droppedFamilies: numberOf(droppedFamilies),
    expiredSeries: numberOf(expiredSeries),
  };
}
