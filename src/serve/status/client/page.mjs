/**
 * The status page. It requests the status every two seconds while it is visible, and shows it. It sends no requests to other
 * hosts, and no requests at all while it is hidden or paused.
 */
import { ChartPanel } from './chart-panel.mjs';
import { chosenCharts, rememberCharts } from './chosen-charts.mjs';
import { element, setText } from './element.mjs';
import { bytes, count, seconds } from './format.mjs';
import { familyTable, processTable, skippedFileTable } from './tables.mjs';

const INTERVAL_MS = 2000;
/** A rate needs two updates, so the second one comes soon. */
const SECOND_UPDATE_MS = 500;
/** After failures the page waits up to so many intervals before it tries again. */
const MAX_BACKOFF = 8;
const MAX_CHARTS = 8;
/** Maximum number of processes that one announcement names. */
const MAX_NAMES = 5;
const MAX_SUGGESTIONS = 1000;
/** The table shows so many metrics until the user asks for all. */
const FIRST_FAMILIES = 20;

const byId = (id) => document.getElementById(id);

/** @type {ChartPanel[]} */
let panels = [];
let latest;
let timer;
let asking = false;
let paused = false;
let failures = 0;
let isFirstUpdate = true;
let allFamilies = false;
/** The state of each process at the last update, for announcing the processes that died. */
let known;

const processes = processTable(byId('processes'), () => latest.collectedAtMs / 1000);
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

  processes.show(status.processes);
  showWhetherEmpty(status);
  setText(byId('process-count'), countOf(status.processes.length, status.processCount));
  showFamilies();
  byId('skipped-section').hidden = status.skippedFiles.length === 0;
  skippedFiles.show(status.skippedFiles);
  showConflicts(stats);
  suggest(status.families);
  announceDeaths(status.processes);
}

/** The collector's own metrics are in the table, but in no file. */
const OWN_PREFIX = 'prom_multiproc_';

function metricsNote({ families: sizes, familyCount }) {
  const metrics = familyCount - sizes.filter(({ name }) => name.startsWith(OWN_PREFIX)).length;
  return `in ${count(metrics)} ${metrics === 1 ? 'metric' : 'metrics'}`;
}

/** Instead of a table without rows, a beginner sees what to do. */
function showWhetherEmpty({ dir, processCount }) {
  byId('processes').parentElement.hidden = processCount === 0;
  byId('no-processes').hidden = processCount > 0;
  setText(byId('no-processes-dir'), `PROMETHEUS_MULTIPROC_DIR=${dir}`);
}

function archiveNote({ generation, foldedFiles, droppedSeries }) {
  if (generation === 0) return 'none folded yet';
  const folded = `${count(foldedFiles)} files folded`;
  return droppedSeries > 0 ? `${folded}, ${count(droppedSeries)} series dropped` : folded;
}

function countOf(shown, all) {
  return shown === all ? count(all) : `${count(shown)} of ${count(all)}`;
}

function showConflicts({ conflicts, pidConflicts }) {
  const parts = Object.entries(conflicts).map(([reason, number]) => `${count(number)} in ${reason.replace('_', ' ')}`);
  if (pidConflicts > 0) parts.push(`${count(pidConflicts)} gauges hidden by another process with the same pid`);
  const note = byId('conflicts');
  note.hidden = parts.length === 0;
  setText(note, parts.length === 0 ? '' : `Processes disagree about metrics: ${parts.join(', ')}.`);
}

function showFamilies() {
  const wanted = byId('family-filter').value.trim().toLowerCase();
  const matching = latest.families.filter(({ name }) => name.toLowerCase().includes(wanted));
  const listed = latest.families.reduce((sum, { series }) => sum + series, 0);
  // where not all metrics are listed, the sum of the collector's statistics is the total, without its own metrics
  const all = Math.max(1, listed, latest.stats.series);
  const shown = allFamilies ? matching : matching.slice(0, FIRST_FAMILIES);
  families.show(shown.map((family) => ({ ...family, share: family.series / all })));
  setText(byId('family-count'), countOf(shown.length, wanted === '' ? latest.familyCount : matching.length));
  const more = byId('all-families');
  more.hidden = matching.length <= FIRST_FAMILIES;
  setText(more, allFamilies ? `Show the first ${FIRST_FAMILIES}` : `Show all ${count(matching.length)}`);
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
function announceDeaths(infos) {
  const now = new Map(infos.map(({ file, pid, thread, state }) => [file, { name: nameOf(pid, thread), state }]));
  if (known !== undefined) {
    const died = [...now].filter(([file, { state }]) => state === 'dead' && known.get(file)?.state !== 'dead');
    const came = [...now].filter(([file, { state }]) => state !== 'dead' && !known.has(file));
    const parts = [];
    if (died.length > 0) parts.push(`Died: ${namesOf(died)}.`);
    if (came.length > 0) parts.push(`Started: ${namesOf(came)}.`);
    if (parts.length > 0) setText(byId('news'), parts.join(' '));
  }
  known = now;
}

function namesOf(found) {
  const names = found.slice(0, MAX_NAMES).map(([, { name }]) => name);
  if (found.length > names.length) names.push(`${count(found.length - names.length)} more`);
  return names.join(', ');
}

function nameOf(pid, thread) {
  return thread === 0 ? `process ${pid}` : `process ${pid} thread ${thread}`;
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
  panels.push(panel);
  byId('charts').append(panel.root);
  byId('no-charts').hidden = true;
  return panel;
}

function removePanel(panel) {
  panels = panels.filter((other) => other !== panel);
  panel.close();
  byId('no-charts').hidden = panels.length > 0;
  changedCharts();
  byId('metric').focus();
}

function toggleChart(metric) {
  const panel = panels.find((other) => other.metric === metric);
  if (panel !== undefined) {
    panels = panels.filter((other) => other !== panel);
    panel.close();
    byId('no-charts').hidden = panels.length > 0;
  } else if (addPanel(metric) === undefined) {
    setText(byId('news'), `There is room for ${MAX_CHARTS} charts: remove one first.`);
  }
  changedCharts();
}

function changedCharts() {
  rememberCharts(panels);
  if (latest !== undefined) showFamilies();
  void ask();
}

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  const asked = panels.map((panel) => ({ panel, by: panel.by }));
  const isCurrent = ({ panel, by }) => panels.includes(panel) && panel.by === by;
  const query = new URLSearchParams(asked.map(({ panel, by = '' }) => ['chart', `${by}/${panel.metric}`]));
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
byId('family-filter').addEventListener('input', () => latest !== undefined && showFamilies());
byId('all-families').addEventListener('click', () => {
  allFamilies = !allFamilies;
  showFamilies();
});
void ask();
