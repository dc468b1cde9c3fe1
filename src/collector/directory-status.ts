/** The state of a directory for an operator: its processes, the sizes of its metrics, and its problems. */
import { type ArchiveLosses, NO_LOSSES } from '../archive/archive-record.js';
import type { Conflict, SelectedFamilies } from '../merge/selected-families.js';
import type { MetricFamily, MetricType } from '../model/metric-family.js';
import { type Chart, chartOf, chartOfFamily, type ChartRequest } from './chart.js';
import type { DirectoryCollection } from './collection.js';
import type { CollectionStats, ProcessInfo, SkippedFile } from './report.js';
import { type Finding, verdictOf } from './verdict.js';

/** A metric and its size. */
export interface FamilySize {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly series: number;
  /** Series that were made within the last hour, and are in no older file. */
  readonly newSeries: number;
  /** Number of lines in the exposition: a histogram has a series for each bucket, and two more. */
  readonly lines: number;
}

/** With all losses that the archive ever had. */
export interface FoldingStatus extends ArchiveLosses {
  /** Generation of the archive; 0 where there is none. */
  readonly generation: number;
  /** Number of files that were ever folded into it. */
  readonly foldedFiles: number;
  /** Number of files of dead processes that are not folded yet. */
  readonly waitingFiles: number;
  readonly waitingBytes: number;
}

export interface DirectoryStatus {
  readonly dir: string;
  /** When the values were read, in milliseconds since the epoch. */
  readonly collectedAtMs: number;
  /** Duration of reading and merging, in seconds. */
  readonly durationSeconds: number;
  /** The problems, the worst first; empty where there are none. */
  readonly verdict: readonly Finding[];
  readonly stats: Omit<CollectionStats, 'archive'>;
  readonly folding: FoldingStatus;
  /** Living processes first, then by age, at most MAX_PROCESSES. */
  readonly processes: readonly ProcessInfo[];
  readonly processCount: number;
  /** The metrics with the most series first, the collector's own last; at most MAX_FAMILIES. */
  readonly families: readonly FamilySize[];
  /** Number of metrics, without the collector's own. */
  readonly familyCount: number;
  /** Number of metrics that the search has found, without the collector's own; all of them without a search. */
  readonly foundCount: number;
  /** Number of the collector's own metrics that the search has found. */
  readonly ownCount: number;
  readonly skippedFiles: readonly SkippedFile[];
  /** Metrics with different declarations or clashing names, and the declaration that is shown; at most MAX_FAMILIES. */
  readonly conflicts: readonly Conflict[];
  /** In the order of the requests; null for a metric that does not exist (yet). */
  readonly charts: readonly (Chart | null)[];
}

export interface StatusRequest {
  readonly charts: readonly ChartRequest[];
  /** Words that the name, the help or a label of a metric has to contain; without regard to upper and lower case. */
  readonly search?: string;
}

/** As many as a page can show and a person can read; the counts beside them are complete. */
const MAX_PROCESSES = 500;
const MAX_FAMILIES = 1000;

export function directoryStatus(
  collection: DirectoryCollection,
  selected: SelectedFamilies,
  own: readonly MetricFamily[],
  durationSeconds: number,
  { charts: requests, search }: StatusRequest,
): DirectoryStatus {
  const { options } = collection;
  const { archive, ...stats } = collection.stats(selected);
  const processes = collection.workers().toSorted(byLife);
  const families = familySizes(selected);
  const ownFamilies = own.map(sizeOf);
  const { droppedSeries, droppedFamilies, expiredSeries } = archive ?? NO_LOSSES;
  const folding = {
    generation: archive?.generation ?? 0,
    foldedFiles: archive?.files ?? 0,
    waitingFiles: stats.dead,
    waitingBytes: stats.deadBytes,
    ...{ droppedSeries, droppedFamilies, expiredSeries },
  };
  const { collectedAtMs, skippedFiles } = collection;
  const conflicts = selected.conflicts();
  const isFound = search === undefined ? () => true : searched(selected, search);
  const [found, foundOwn] = [families.filter(isFound), ownFamilies.filter(isFound)];
  return {
    dir: options.dir,
    collectedAtMs,
    durationSeconds,
    verdict: verdictOf({ collectedAtMs, stats, folding, processes, families, skippedFiles, conflicts }),
    stats,
    folding,
    processes: processes.slice(0, MAX_PROCESSES),
    processCount: processes.length,
    families: [...found, ...foundOwn].slice(0, MAX_FAMILIES),
    familyCount: families.length,
    foundCount: found.length,
    ownCount: foundOwn.length,
    skippedFiles,
    conflicts: conflicts.slice(0, MAX_FAMILIES),
    charts: requests.map((request) => {
      const shownAsItIs = own.find(({ name }) => name === request.metric);
      return (
        (shownAsItIs === undefined ? chartOf(selected, collection.files, request) : chartOfFamily(shownAsItIs)) ?? null
      );
    }),
  };
}

function byLife(a: ProcessInfo, b: ProcessInfo): number {
  return Number(a.state === 'dead') - Number(b.state === 'dead') || a.startedAt - b.startedAt || a.pid - b.pid;
}

function familySizes(selected: SelectedFamilies): FamilySize[] {
  const hourAgo = Date.now() / 1000 - 3600;
  const sizes = selected.families().map((family) => {
    let [series, newSeries] = [0, 0];
    for (const number of family.series) {
      if (!family.index.isShown(number, family)) continue;
      series++;
      if (family.index.createdAt[number] > hourAgo) newSeries++;
    }
    const { name, type, help } = family;
    return { name, type, help, series, newSeries, lines: series * family.kind.lines(family).length };
  });
  return sizes.toSorted((a, b) => b.series - a.series);
}

function sizeOf({ name, type, help, samples }: MetricFamily): FamilySize {
  return { name, type, help, series: samples.length, newSeries: 0, lines: samples.length };
}

function searched(selected: SelectedFamilies, search: string): (family: FamilySize) => boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const merged = new Map(selected.families().map((family) => [family.name, family]));
  return ({ name, help }) => {
    const text = `${name} ${help}`.toLowerCase();
    const left = words.filter((word) => !text.includes(word));
    if (left.length === 0) return true;
    const family = merged.get(name);
    return (
      family?.series.some((number) => {
        const labels = family.index.texts.of(number).toLowerCase();
        return left.every((word) => labels.includes(word));
      }) === true
    );
  };
}
