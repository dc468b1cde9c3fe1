/**
 * The contents of a new archive, built from the archive before it and the files of dead processes. A merge of the archive
 * must give the same result as a merge of those files. So this class adds, applies the rule of each gauge mode, and drops
 * what has expired, and nothing else.
 */
import type { ProcessIdentity } from '../metrics-file/layout.js';
import { scopeKey } from '../metrics-file/family-scope.js';
import { checkFamilyRecord, encodeKey, type FamilyRecord } from '../metrics-file/record.js';
import { metricKind } from '../model/metric-kind.js';
import { lowestOptions } from '../model/native-bins.js';
import { archivedRegistryId } from '../model/registry-id.js';
import { type ArchiveLosses, NO_LOSSES } from './archive-record.js';
import type { ArchiveLimits } from './fold-options.js';
import { ArchiveFamily } from './archive-family.js';
import type { FoldSource, SourceSeries } from './fold-source.js';
import { processKey } from '../metrics-file/process-key.js';
import { pidLabel } from '../directory/identity.js';
import { type ClockReading, clockShift, longestInterval } from './clock-reading.js';
import { dropIdleSeries } from './idle-archive-series.js';
import type { LivingFamilies } from './living-families.js';
import { endOfHour, endOfSeries, HOUR_SECONDS, laterEnd, shiftedEnd } from './series-end.js';

/** How the series of one family of a file become series of the archive. */
interface Plan {
  readonly family: ArchiveFamily;
  /** False where only the declaration is kept: live gauges, Info, StateSet. */
  readonly keepsSeries: boolean;
  /** Per label: its place in the key of the file, and the value where the key has none; undefined: keys are copied. */
  readonly places: readonly { readonly from: number; readonly filling: string | undefined }[] | undefined;
}

interface Landing {
  readonly series: SourceSeries;
  readonly family: ArchiveFamily;
  readonly key: string;
  readonly endedAt: number;
}

export class ArchiveContents {
  readonly #limits: ArchiveLimits;
  readonly #clocks: ClockReading;
  /** Seconds since the epoch. */
  readonly #now: number;
  #families = new Map<string, ArchiveFamily>();
  /** Names of families that a process had in two registries without a name. */
  readonly #ambiguous = new Set<string>();
  readonly #unusableFamilies = new Set<string>();
  readonly #losses = { ...NO_LOSSES };

  constructor(limits: ArchiveLimits, clocks: ClockReading) {
    this.#limits = limits;
    this.#clocks = clocks;
    this.#now = clocks.wall;
  }

  get seriesCount(): number {
    return [...this.#families.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Those of this fold. */
  get losses(): ArchiveLosses {
    return this.#losses;
  }

  /** Names of families that lost a series of one process, because one of its values was not a finite number. */
  get unusableFamilies(): ReadonlySet<string> {
    return this.#unusableFamilies;
  }

  /** In the order of first registration. */
  families(): ArchiveFamily[] {
    const families = withLowestResolution(
      [...this.#families.values()],
      (family) => family.size > 0 || this.#isLastWord(family),
    );
    for (const family of families) {
      const { declaration } = family;
      if (this.#ambiguous.has(declaration.name)) family.declaration = { ...declaration, ambiguous: true };
    }
    return families;
  }

  /** @throws {BadFileError} before anything is added */
  addArchive(source: FoldSource): void {
    const { familyRetentionSeconds, deadRetentionSeconds } = this.#limits;
    const foldedAt = source.archive?.foldedAt ?? this.#clocks;
    const shiftBy = (retention: number): number => clockShift(foldedAt, this.#clocks, longestInterval(retention));
    const familyShift = shiftBy(familyRetentionSeconds);
    const plans = new Map<number, Plan>();
    for (const [id, record] of source.families) {
      const seenAt = (record.lastSeenAt ?? record.declaredAt) + familyShift;
      const family = this.#declare(record, this.#past(seenAt));
      plans.set(id, { family, keepsSeries: true, places: undefined });
    }
    // whole hours, and no shift where a clock was corrected by minutes: end times stay in the same hours
    const gaugeShift = Math.round(shiftBy(deadRetentionSeconds) / HOUR_SECONDS) * HOUR_SECONDS;
    const hour = endOfHour(this.#now);
    this.#add(source, plans, ({ endedAt }, { isGauge, declaration }) => {
      if (isGauge) return Math.min(endedAt + gaugeShift, hour);
      const { expireAfterSeconds = 0 } = declaration;
      return shiftedEnd(endedAt, shiftBy(expireAfterSeconds), this.#now);
    });
  }

  /**
   * @param endedAt seconds since the epoch when the process was last alive
   * @throws {BadFileError} or a TypeError for an invalid declaration, before anything is added
   */
  addProcess(source: FoldSource, endedAt: number): void {
    const { identity } = source.header;
    const ended = this.#past(endedAt);
    const hour = endOfHour(ended);
    // the clock of that process, or this one, may be wrong by years
    const lastSeenAt = Math.max(ended, this.#now - longestInterval(this.#limits.familyRetentionSeconds));
    const plans = new Map<number, Plan>();
    for (const [id, record] of source.families) {
      if (record.registries.length > 0) plans.set(id, this.#planOf(record, source, identity, lastSeenAt));
    }
    this.#add(source, plans, (series, { isGauge }) => {
      if (isGauge) return hour;
      return endOfSeries(source.families.get(series.family)!.expireAfterSeconds, ended, this.#now);
    });
  }

  /**
   * Adds the process-wide values of a process to the total once it has ended, and no file of its threads remains.
   *
   * @param isOver receives a process (process-key.ts), and the time when one of its threads was last seen
   */
  endProcesses(isOver: (process: string, lastSeenAt: number) => boolean): void {
    const families = new Map<string, ArchiveFamily>();
    for (const [variant, family] of this.#families) {
      // the total belongs to no process, so its value cannot be the highest of one
      const { ofProcess, processWide: _, ...declaration } = family.declaration;
      if (ofProcess === undefined || !isOver(ofProcess, declaration.lastSeenAt)) {
        families.set(variant, family);
        continue;
      }
      const whole = variantOf(declaration);
      let into = families.get(whole) ?? this.#families.get(whole);
      if (into === undefined) families.set(whole, (into = new ArchiveFamily(declaration)));
      else into.declare(declaration);
      into.include(family, this.#now);
    }
    this.#families = families;
  }

  /**
   * Drops expired series and families.
   *
   * @param livingFamilies called only where it matters; undefined where the files of living processes cannot be read: then
   * nothing of a family that may be in use is dropped
   */
  expire(livingFamilies: () => LivingFamilies | undefined): void {
    this.#dropOldProcesses();
    this.#dropOldFamilies(livingFamilies);
    this.#losses.expiredSeries += dropIdleSeries([...this.#families.values()], this.#now, livingFamilies);
  }

  #dropOldFamilies(livingFamilies: () => LivingFamilies | undefined): void {
    const lastSeen = new Map<string, number>();
    for (const { declaration } of this.#families.values()) {
      lastSeen.set(declaration.name, Math.max(lastSeen.get(declaration.name) ?? 0, declaration.lastSeenAt));
    }
    const isOver = (name: string): boolean => this.#now - lastSeen.get(name)! > this.#limits.familyRetentionSeconds;
    if (![...lastSeen.keys()].some(isOver)) return;
    const living = livingFamilies();
    if (living === undefined) return;
    const dropped = new Set<string>();
    for (const [variant, family] of this.#families) {
      const { name } = family.declaration;
      if (!isOver(name)) continue;
      if (living.declares(name)) {
        family.declaration = { ...family.declaration, lastSeenAt: this.#now };
        continue;
      }
      this.#families.delete(variant);
      dropped.add(name);
    }
    this.#losses.droppedFamilies += dropped.size;
  }

  /** A time from a file, which may be any number. */
  #past(time: number): number {
    return time <= this.#now ? time : this.#now;
  }

  #declare(record: Omit<FamilyRecord, 'id'>, lastSeenAt: number): ArchiveFamily {
    const declaration = { ...record, id: undefined, lastSeenAt };
    if (record.ambiguous === true) this.#ambiguous.add(record.name);
    const variant = variantOf(record);
    let family = this.#families.get(variant);
    if (family === undefined) {
      family = new ArchiveFamily(declaration);
      this.#families.set(variant, family);
    } else {
      family.declare(declaration);
    }
    return family;
  }

  /** The default labels of the process, and its pid where the mode shows each process, become part of the keys. */
  #planOf(record: FamilyRecord, source: FoldSource, identity: ProcessIdentity, lastSeenAt: number): Plan {
    const added = source.addedLabels(record);
    const { mode, isGauge } = new ArchiveFamily({ ...record, lastSeenAt });
    const { endsWithProcess } = metricKind(record.type);
    const keepsSeries = !(isGauge && (mode.live || endsWithProcess));
    // a process-wide value belongs to no thread
    const pid = record.processWide === true ? String(identity.pid) : pidLabel(identity);
    if (isGauge && mode.perProcess) added.set('pid', pid);
    const pidLabelled = isGauge && mode.perProcess && !record.labelNames.includes('pid');
    const baked = [...added.keys()].filter(
      (name) => !record.labelNames.includes(name) && !(pidLabelled && name === 'pid'),
    );
    // processes of the same program add labels in any order
    const own = record.openLabels === true ? record.labelNames.toSorted() : record.labelNames;
    const labelNames = [...own, ...baked.toSorted(), ...(pidLabelled ? ['pid'] : [])];
    const declaration: FamilyRecord = {
      ...record,
      registries: [...new Set(record.registries.map(archivedRegistryId))],
      labelNames,
      bakedLabels: baked.length > 0 ? baked.length : undefined,
      pidLabelled: pidLabelled ? true : undefined,
      ofProcess: record.processWide === true && keepsSeries ? processKey(identity) : undefined,
    };
    const place = (name: string) => ({ from: record.labelNames.indexOf(name), filling: added.get(name) });
    // where readers refuse one file for this, they would refuse the whole archive
    checkFamilyRecord(declaration);
    const family = this.#declare(declaration, lastSeenAt);
    return {
      family,
      keepsSeries,
      places: added.size === 0 && record.openLabels !== true ? undefined : labelNames.map(place),
    };
  }

  #add(
    source: FoldSource,
    plans: ReadonlyMap<number, Plan>,
    endOf: (series: SourceSeries, family: ArchiveFamily) => number,
  ): void {
    const landings: Landing[] = [];
    let added = 0;
    for (const series of source.series()) {
      const plan = plans.get(series.family);
      if (plan === undefined || !plan.keepsSeries) continue;
      const { family, places } = plan;
      const endedAt = endOf(series, family);
      if (family.isGauge && endedAt < this.#now - this.#limits.deadRetentionSeconds) continue;
      let { key } = series;
      if (places !== undefined) {
        const values = source.labelValuesOf(series);
        for (const { filling } of places) added += filling?.length ?? 0;
        source.assertMayAdd(added);
        key = Buffer.from(encodeKey(places.map(({ from, filling }) => values[from] ?? filling))).toString('latin1');
      } else if (family.rowOf(key, endedAt) === undefined && source.archive === undefined) {
        // decoded only to find errors: an invalid key would make the whole archive unreadable
        source.labelValuesOf(series);
      }
      landings.push({ series, family, key, endedAt });
    }
    // nothing below this line throws
    const rows = new Map<SourceSeries, { family: ArchiveFamily; row: number }>();
    const hasAttachments = source.hasAttachments;
    const unsound = source.unsoundSeries();
    let room = this.#limits.maxSeries - this.seriesCount;
    for (const { series, family, key, endedAt } of landings) {
      const values = source.valuesOf(series);
      if (!family.isGauge && (!values.every(Number.isFinite) || unsound.has(series))) {
        this.#losses.droppedSeries++;
        this.#unusableFamilies.add(family.declaration.name);
        continue;
      }
      let row = family.rowOf(key, endedAt);
      if (row === undefined) {
        if (room <= 0) {
          this.#losses.droppedSeries++;
          continue;
        }
        row = family.addRow(key, endedAt);
        room--;
      }
      family.merge(row, values, series.createdAt, this.#now);
      family.endedAt[row] = laterEnd(family.endedAt[row], endedAt);
      if (hasAttachments) rows.set(series, { family, row });
    }
    for (const attachment of source.attachments()) {
      const landed = rows.get(attachment.owner);
      if (landed === undefined) continue;
      landed.family.attachments.add(landed.row, attachment.role, source.valuesOf(attachment), this.#now);
    }
  }

  /** Whether other families of its name and scope depend on this declaration without series, as before it was folded. */
  #isLastWord(family: ArchiveFamily): boolean {
    const { name, declaredAt } = family.declaration;
    const scope = scopeKey(family.declaration);
    let isFirst = true;
    for (const other of this.#families.values()) {
      if (other === family) isFirst = false;
      else if (other.declaration.name === name && scopeKey(other.declaration) === scope) {
        const { declaredAt: then } = other.declaration;
        if (then > declaredAt || (then === declaredAt && isFirst)) return false;
      }
    }
    return true;
  }

  #dropOldProcesses(): void {
    const { deadRetentionProcesses } = this.#limits;
    const ends = new Map<string, number>();
    const perProcess = [...this.#families.values()].filter(({ declaration }) => declaration.pidLabelled === true);
    const processOf = (family: ArchiveFamily, row: number): string => `${family.endedAt[row]} ${family.pidOf(row)}`;
    for (const family of perProcess) {
      for (let row = 0; row < family.size; row++) ends.set(processOf(family, row), family.endedAt[row]);
    }
    if (ends.size <= deadRetentionProcesses) return;
    // the sort is stable, so that within an hour the processes that were folded first come first
    const oldestFirst = [...ends.keys()].toSorted((a, b) => ends.get(a)! - ends.get(b)!);
    const kept = new Set(oldestFirst.slice(ends.size - deadRetentionProcesses));
    for (const family of perProcess) family.keep((row) => kept.has(processOf(family, row)));
  }
}

/** The families that are kept, with the lowest resolution that any declaration of their names has asked for. */
function withLowestResolution(
  all: readonly ArchiveFamily[],
  isKept: (family: ArchiveFamily) => boolean,
): ArchiveFamily[] {
  const nameOf = ({ declaration }: ArchiveFamily): string => `${scopeKey(declaration)} ${declaration.name}`;
  const natives = new Map<string, ArchiveFamily[]>();
  for (const family of all) {
    if (family.declaration.native === undefined) continue;
    const name = nameOf(family);
    natives.set(name, [...(natives.get(name) ?? []), family]);
  }
  const kept = new Set(all.filter(isKept));
  for (const same of natives.values()) {
    const native = lowestOptions(same.flatMap(({ declaration }) => declaration.native ?? []));
    // where nothing else with bins is kept, a declaration without series keeps the resolution
    if (!same.some((family) => kept.has(family))) kept.add(same[0]);
    for (const family of same) family.declaration = { ...family.declaration, native };
  }
  return all.filter((family) => kept.has(family));
}

/** Declarations that differ in this text have different series; help, unit and quantiles do not make a difference. */
function variantOf(record: Omit<FamilyRecord, 'id'>): string {
  const { name, type, labelNames, gaugeMode, bounds, window, pidLabelled, bakedLabels } = record;
  const { processWide, ofProcess, native } = record;
  const shape = [gaugeMode, bounds, window, native !== undefined];
  return JSON.stringify([
    name,
    type,
    labelNames,
    scopeKey(record),
    shape,
    pidLabelled,
    bakedLabels,
    processWide,
    ofProcess,
  ]);
}
