/**
 * The status page. It requests the status every two seconds while it is visible, and shows it. It sends no requests to other
 * hosts, and no requests at all while it is hidden or paused.
 */
import { ChartPanel } from './chart-panel.mjs';
import { chosenCharts, rememberCharts } from './chosen-charts.mjs';
import { element, setText } from './element.mjs';
import { bytes, count, percent, seconds, short } from './format.mjs';
import { recordedSamples } from './history.mjs';
import { ProcessWatch } from './marks.mjs';
import { familyTable, processTable, skippedFileTable } from './tables.mjs';
import { Verdict } from './verdict.mjs';
import { WorkerCharts } from './worker-charts.mjs';

const INTERVAL_MS = 2000;
/** A rate needs two updates, so the second one comes soon. */
const SECOND_UPDATE_MS = 500;
/** After failures the page waits up to so many intervals before it tries again. */
const MAX_BACKOFF = 8;
/** A search begins when no key was pressed for so long. */
const TYPING_MS = 200;
const MAX_CHARTS = 8;
/** Maximum number of processes that one announcement names. */
const MAX_NAMES = 5;
const MAX_SUGGESTIONS = 1000;
/** The table shows so many metrics until the user asks for all. */
const FIRST_FAMILIES = 20;
/** A share that is shown as more than 1 %. */
const LARGE_SHARE = 0.015;
/** Also where all of them are small. */
const MIN_FAMILIES = 8;

const byId = (id) => document.getElementById(id);

/** @type {ChartPanel[]} */
let panels = [];
let latest;
let timer;
let asking = false;
let paused = false;
let failures = 0;
let isFirstUpdate = true;
let typing;
let allFamilies = false;

/** @type {{ request: { metric: string, by?: string }, samples: any[] }[]} */
let recordedCharts = [];
const watch = new ProcessWatch();
const workers = new WorkerCharts(byId('worker-charts'), byId('marks'));
const verdictList = new Verdict(byId('verdict'), searchFor);
const processes = processTable(byId('processes'), {
  now: () => latest.collectedAtMs / 1000,
  charts: workers,
});
const families = familyTable(byId('families'), {
  isDrawn: (name) => panels.some(({ metric }) => metric === name),
  toggle: toggleChart,
});
const skippedFiles = skippedFileTable(byId('skipped-files'));

function show(status) {
  const first = latest === undefined;
  latest = status;
  if (first) startCharts(status);
  const { stats, folding } = status;
  setText(byId('dir'), status.dir);
  setText(byId('tile-live'), count(stats.live + stats.unknown));
  setText(byId('tile-live-note'), stats.unknown > 0 ? `${count(stats.unknown)} of them perhaps` : 'alive');
  setText(byId('tile-dead'), count(folding.waitingFiles));
  setText(byId('tile-dead-note'), folding.waitingFiles > 0 ? `${bytes(folding.waitingBytes)} to fold` : 'none to fold');
  setText(byId('tile-series'), count(stats.series));
  setText(byId('tile-series-note'), metricsNote(status));
  setText(byId('tile-bytes'), bytes(stats.fileBytes));
  setText(byId('tile-bytes-note'), stats.bytesInMemory > 0 ? `${bytes(stats.bytesInMemory)} did not fit` : 'of files');
  setText(byId('tile-duration'), seconds(status.durationSeconds));
  setText(byId('tile-archive'), folding.generation === 0 ? 'none' : `#${count(folding.generation)}`);
  setText(byId('tile-archive-note'), archiveNote(folding));
  setText(byId('tile-skipped'), count(status.skippedFiles.length));
  byId('tile-skipped').parentElement.classList.toggle('alarming', status.skippedFiles.length > 0);

  workers.add(status.collectedAtMs / 1000, status.processes);
  const isEmpty = status.processCount === 0 && stats.series === 0;
  verdictList.show(status.verdict, status.collectedAtMs / 1000, isEmpty);
  showTotals(status);
  processes.show(withFindings(status));
  showWhetherEmpty(status);
  setText(byId('process-count'), processNote(status));
  showFamilies();
  byId('skipped-section').hidden = status.skippedFiles.length === 0;
  skippedFiles.show(status.skippedFiles);
  showConflicts(stats);
  if (byId('family-filter').value.trim() === '') suggest(status.families);
  announceDeaths(status);
}

/** Those that the verdict names first, in its order; dead ones last. */
function withFindings({ processes: infos, verdict }) {
  const findings = groupByProcess(verdict);
  const places = new Map([...findings.keys()].map((file, at) => [file, at - findings.size]));
  const rank = ({ file, state }) => places.get(file) ?? (state === 'dead' ? 1 : 0);
  return infos
    .map((info) => ({ ...info, findings: findings.get(info.file) ?? [] }))
    .toSorted((a, b) => rank(a) - rank(b));
}

/** `Map.groupBy` is missing in browsers of 2023. */
function groupByProcess(verdict) {
  const groups = new Map();
  for (const finding of verdict) groups.set(finding.process, [...(groups.get(finding.process) ?? []), finding]);
  return groups;
}

/** Red is the colour of what the verdict names. */
function showTotals({ processes: infos, verdict: findings }) {
  const living = infos.filter(({ state }) => state !== 'dead');
  const sum = (valueOf) => living.reduce((total, info) => total + (valueOf(info) ?? 0), 0);
  const isMeasured = living.some(({ vitals }) => vitals?.residentBytes !== undefined);
  const mains = living.filter(({ thread }) => thread === 0);
  const cores = mains.reduce((all, { vitals }) => all + (vitals?.cpuShare ?? 0), 0);
  const lag = Math.max(0, ...mains.map(({ vitals }) => vitals?.loopLagSeconds ?? 0));
  const worst = mains.find(({ vitals }) => vitals?.loopLagSeconds === lag);
  setText(byId('tile-cpu'), isMeasured ? `${short(Number(cores.toFixed(2)))} cores` : '–');
  setText(byId('tile-memory'), isMeasured ? bytes(sum(({ vitals }) => vitals?.residentBytes)) : '–');
  setText(byId('tile-lag'), isMeasured ? seconds(lag) : '–');
  setText(byId('tile-lag-note'), worst === undefined || lag === 0 ? 'of event loops' : `process ${worst.pid}`);
  const isCounted = living.some(({ requests }) => requests !== undefined);
  const knowsStatus = living.some(({ requests }) => requests?.failedPerSecond !== undefined);
  const perSecond = sum(({ requests }) => requests?.perSecond);
  const failed = sum(({ requests }) => requests?.failedPerSecond);
  setText(byId('tile-requests'), isCounted ? short(perSecond) : '–');
  setText(byId('tile-requests-note'), isCounted ? 'per second' : 'no metric counts them');
  setText(byId('tile-failed'), knowsStatus ? percent(perSecond > 0 ? failed / perSecond : 0) : '–');
  const alarm = (id, rule) =>
    byId(id).parentElement.classList.toggle(
      'alarming',
      findings.some((finding) => finding.rule === rule),
    );
  alarm('tile-lag', 'lag');
  alarm('tile-failed', 'failing');
}

function metricsNote({ familyCount }) {
  return `in ${count(familyCount)} ${familyCount === 1 ? 'metric' : 'metrics'}`;
}

/** The collector's own metrics are in the table, but in no file. */
function familyNote({ families: listed, foundCount, ownCount }) {
  const parts = [count(foundCount)];
  if (ownCount > 0) parts.push(`and ${count(ownCount)} of the collector`);
  if (listed.length < foundCount + ownCount) parts.push(`the first ${count(listed.length)} are listed`);
  return parts.join(', ');
}

/** Instead of a table without rows, a beginner sees what to do. */
function showWhetherEmpty({ dir, processCount }) {
  byId('processes').parentElement.hidden = processCount === 0;
  byId('no-processes').hidden = processCount > 0;
  byId('workers').hidden = processCount === 0 && workers.isEmpty;
  setText(byId('no-processes-dir'), `PROMETHEUS_MULTIPROC_DIR=${dir}`);
}

function archiveNote({ generation, foldedFiles, droppedSeries }) {
  if (generation === 0) return 'none folded yet';
  const folded = `${count(foldedFiles)} files folded`;
  return droppedSeries > 0 ? `${folded}, ${count(droppedSeries)} series dropped` : folded;
}

function processNote({ processes: listed, processCount, stats: { live, unknown, dead } }) {
  const parts = [`${count(live + unknown)} alive`];
  if (dead > 0) parts.push(`${count(dead)} dead`);
  if (listed.length < processCount) parts.push(`the first ${count(listed.length)} are listed`);
  return parts.join(', ');
}

function showConflicts({ conflicts, pidConflicts }) {
  const parts = Object.entries(conflicts).map(([reason, number]) => `${count(number)} in ${reason.replace('_', ' ')}`);
  if (pidConflicts > 0) parts.push(`${count(pidConflicts)} gauges hidden by another process with the same pid`);
  const note = byId('conflicts');
  note.hidden = parts.length === 0;
  setText(note, parts.length === 0 ? '' : `Processes disagree about metrics: ${parts.join(', ')}.`);
}

function showFamilies() {
  const wanted = byId('family-filter').value.trim();
  // the server has searched
  const matching = latest.families;
  const listed = latest.families.reduce((sum, { series }) => sum + series, 0);
  // where not all metrics are listed, the sum of the collector's statistics is the total, without its own metrics
  const all = Math.max(1, listed, latest.stats.series);
  // rows of one percent or less are nearly the same again and again: they fold into the button
  const large = matching.filter(({ series }) => series >= all * LARGE_SHARE).length;
  const first = wanted === '' ? Math.max(MIN_FAMILIES, Math.min(large, FIRST_FAMILIES)) : FIRST_FAMILIES;
  const shown = allFamilies ? matching : matching.slice(0, first);
  families.show(shown.map((family) => ({ ...family, share: family.series / all })));
  setText(byId('family-count'), familyNote(latest));
  const more = byId('all-families');
  more.hidden = matching.length <= first;
  const rest = count(matching.length - first);
  setText(
    more,
    allFamilies ? 'Show fewer' : large <= first ? `Show ${rest} more, each 1 % or less` : `Show ${rest} more`,
  );
}

function suggest(sizes) {
  const names = sizes
    .filter(({ type }) => type !== 'info')
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
  const list = byId('metric-names');
  if (list.dataset.names === String(names.length) && list.lastElementChild?.value === names.at(-1)) return;
  list.dataset.names = String(names.length);
  list.replaceChildren(...names.map((name) => element('option', { value: name })));
}

/** Announces only changes, each once: a screen reader must not repeat every two seconds that nothing happened. */
function announceDeaths({ processes: infos, collectedAtMs }) {
  const marks = watch.changes(infos, collectedAtMs / 1000);
  if (marks.length === 0) return;
  const parts = [
    ['Died', marks.filter(({ kind }) => kind === 'died')],
    ['Started', marks.filter(({ kind }) => kind === 'started')],
  ];
  const texts = parts.flatMap(([what, found]) => (found.length === 0 ? [] : `${what}: ${namesOf(found)}.`));
  setText(byId('news'), texts.join(' '));
  workers.mark(marks);
}

function namesOf(found) {
  const names = found.slice(0, MAX_NAMES).map(({ name }) => name);
  if (found.length > names.length) names.push(`${count(found.length - names.length)} more`);
  return `${found.length === 1 ? 'process' : 'processes'} ${names.join(', ')}`;
}

/** Opens the charts that the URL names, otherwise a counter and a histogram, so that a beginner sees what charts look like. */
function startCharts({ families: sizes }) {
  const chosen = chosenCharts(location.hash);
  if (chosen === undefined) {
    for (const wanted of ['counter', 'histogram']) {
      const found = sizes.find(({ type }) => type === wanted);
      if (found !== undefined) addPanel(found.name);
    }
  }
  for (const { metric, by } of chosen ?? []) addPanel(metric, by);
}

function addPanel(metric, by) {
  if (panels.length >= MAX_CHARTS || panels.some((panel) => panel.metric === metric)) return undefined;
  const panel = new ChartPanel(metric, by, { onRemove: removePanel, onGrouping: changedCharts });
  const past = recordedCharts.find(({ request }) => request.metric === metric && request.by === by);
  if (past !== undefined) panel.past = recordedSamples(past.samples);
  panels.push(panel);
  byId('charts').append(panel.root);
  byId('no-charts').hidden = true;
  return panel;
}

function closePanel(panel) {
  panels = panels.filter((other) => other !== panel);
  panel.close();
  setText(byId('charts-news'), '');
  byId('no-charts').hidden = panels.length > 0;
}

function removePanel(panel) {
  closePanel(panel);
  changedCharts();
  byId('metric').focus();
}

function toggleChart(metric) {
  const panel = panels.find((other) => other.metric === metric);
  if (panel !== undefined) {
    closePanel(panel);
  } else if (addPanel(metric) === undefined) {
    setText(byId('charts-news'), `There is room for ${MAX_CHARTS} charts: remove one first.`);
    byId('charts-news').scrollIntoView({ block: 'nearest' });
  }
  changedCharts();
}

function changedCharts() {
  rememberCharts(panels);
  if (latest !== undefined) showFamilies();
  void ask();
}

function searchFor(metric) {
  byId('family-filter').value = metric;
  byId('family-filter').focus();
  void ask();
}

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  const asked = panels.map((panel) => ({ panel, by: panel.by }));
  const isCurrent = ({ panel, by }) => panels.includes(panel) && panel.by === by;
  const query = new URLSearchParams(asked.map(({ panel, by = '' }) => ['chart', `${by}/${panel.metric}`]));
  const search = byId('family-filter').value.trim();
  if (search !== '') query.set('search', search);
  try {
    const response = await fetch(`status/data.json?${query.toString()}`, {
      signal: AbortSignal.timeout(10_000),
      cache: 'no-store',
    });
    if (!response.ok) throw new Error(await reasonOf(response));
    const status = await response.json();
    failures = 0;
    show(status);
    asked.forEach((request, at) => {
      // the response does not fit a chart that was removed or grouped differently in the meantime
      if (isCurrent(request)) request.panel.add(status.collectedAtMs / 1000, status.charts[at]);
    });
    setText(byId('trouble'), '');
    setText(byId('updated'), new Date(status.collectedAtMs).toLocaleTimeString());
  } catch (error) {
    failures++;
    setText(byId('trouble'), `No status: ${error.message}. Trying again.`);
  } finally {
    asking = false;
    document.body.classList.toggle('stale', failures > 0);
    // a chart that was added in the meantime gets its values soon
    const isNew = isFirstUpdate || asked.filter(isCurrent).length < panels.length;
    isFirstUpdate = false;
    next(isNew && failures === 0 ? SECOND_UPDATE_MS : INTERVAL_MS * Math.min(MAX_BACKOFF, 2 ** failures));
  }
}

async function reasonOf(response) {
  if (response.headers.get('content-type')?.startsWith('application/json')) return (await response.json()).error;
  return response.status === 401
    ? 'sign in again by reloading the page'
    : `the server responded with status ${response.status}`;
}

function next(ms) {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(ask, ms);
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  if (paused) clearTimeout(timer);
  else void ask();
});
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : next(0)));
byId('add-chart').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = byId('metric');
  const metric = input.value.trim();
  if (metric === '') return;
  if (!panels.some((panel) => panel.metric === metric)) toggleChart(metric);
  input.value = '';
});
byId('family-filter').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(ask, TYPING_MS);
});
byId('all-families').addEventListener('click', () => {
  allFamilies = !allFamilies;
  showFamilies();
});

/** Requests the history from before the page was opened. */
async function recall() {
  try {
    const response = await fetch('status/history.json', { signal: AbortSignal.timeout(5000), cache: 'no-store' });
    if (!response.ok) return;
    const recorded = await response.json();
    recordedCharts = recorded.charts;
    workers.fill(recorded);
    if (recorded.times.length > 0) watch.begin(recorded.living);
  } catch {
    // the charts begin now
  }
}

void recall().then(ask);
