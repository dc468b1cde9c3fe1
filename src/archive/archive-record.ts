import { type ClockReading, clockReadingOf } from './clock-reading.js';

/** What an archive says of itself. */
export interface ArchiveRecord {
  readonly generation: number;
  /** Clocks of the fold that made it: its times are by this wall clock. Undefined where they were not noted. */
  readonly foldedAt: ClockReading | undefined;
  /** Ids of the files whose counts it has, as far as somebody might still find such a file. */
  readonly absorbed: ReadonlySet<string>;
  /** Of those the ones that stay named until a time (seconds since the epoch), file or no file. */
  readonly remembered: readonly (readonly [id: string, until: number])[];
  /** Files that were ever folded into it. */
  readonly files: number;
  /** Series that it had no room for, ever. */
  readonly droppedSeries: number;
  /** Families that were dropped since no process had declared them for long, ever. */
  readonly droppedFamilies: number;
}

/** The record as it is packed: msgpack has no sets. */
export function packableArchiveRecord({ absorbed, foldedAt, ...record }: ArchiveRecord): object {
  const clocks = foldedAt === undefined ? undefined : [foldedAt.wall, foldedAt.bootId, foldedAt.uptime];
  return { ...record, foldedAt: clocks, absorbed: [...absorbed] };
}

/** The record out of bytes that anybody may have written; undefined where it is none. */
export function archiveRecord(body: unknown): ArchiveRecord | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { generation, foldedAt, absorbed, remembered, files, droppedSeries, droppedFamilies } = body as Record<
    string,
    unknown
  >;
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
  };
}
