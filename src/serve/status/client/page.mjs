/**
 * The status page. It requests the status every two seconds while it is visible, and shows it. It sends no requests to other
 * hosts, and no requests at all while it is hidden or paused.
 */
import { ChartPanel } from './chart-panel.mjs';
import { chosenCharts, rememberCharts } from './chosen-charts.mjs';
import { element, setText } from './element.mjs';
import { bytes, count, percent, seconds, short } from './format.mjs';
import { familyTable, processTable, skippedFileTable } from './tables.mjs';
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
/** The state of each process at the last update, for announcing the processes that died. */
let known;

/** @type {{ request: { metric: string, by?: string }, samples: any[] }[]} */
let recordedCharts = [];
const workers = new WorkerCharts(byId('worker-charts'));
const processes = processTable(byId('processes'), {
  now: () => latest.collectedAtMs / 1000,
  rateOf: (file) => workers.rates.get(file),
  pastOf: (file, key) => workers.pastOf(file, key),
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
  showVerdict(status);
  showTotals(status.processes);
  processes.show(withFindings(status));
  showWhetherEmpty(status);
  setText(byId('process-count'), countOf(status.processes.length, status.processCount));
  showFamilies();
  byId('skipped-section').hidden = status.skippedFiles.length === 0;
  skippedFiles.show(status.skippedFiles);
  showConflicts(stats);
  if (byId('family-filter').value.trim() === '') suggest(status.families);
  announceDeaths(status.processes);
}

function showVerdict({ verdict, processCount, stats }) {
  const isEmpty = processCount === 0 && stats.series === 0;
  const level = isEmpty ? '' : (verdict[0]?.level ?? 'healthy');
  byId('verdict').className = `verdict ${level}`;
  const problems = verdict.length === 1 ? '1 problem' : `${count(verdict.length)} problems`;
  setText(byId('verdict-heading'), isEmpty ? 'Nothing to show yet' : verdict.length === 0 ? 'Healthy' : problems);
  const list = byId('findings');
  const key = JSON.stringify(verdict.map(({ text }) => text));
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...(isEmpty ? [] : verdict.map(findingItem)));
}

/** The link leads to the process or the metric. */
function findingItem({ level, text, process, metric }) {
  if (process !== undefined) {
    return element(
      'li',
      { class: level },
      element('a', { href: `#process-${process}`, onclick: (event) => find(event, process) }, text),
    );
  }
  if (metric === undefined) return element('li', { class: level }, text);
  const search = (event) => {
    event.preventDefault();
    byId('family-filter').value = metric;
    byId('family-filter').focus();
    void ask();
  };
  return element('li', { class: level }, element('a', { href: '#families-heading', onclick: search }, text));
}

/** The fragment of the address is taken by the charts. */
function find(event, file) {
  event.preventDefault();
  const row = document.getElementById(`process-${file}`);
  for (const other of document.querySelectorAll('tr.found')) other.classList.remove('found');
  row?.classList.add('found');
  row?.scrollIntoView({ block: 'center' });
}

/** Those that the verdict names first, dead ones last. */
function withFindings({ processes: infos, verdict }) {
  const findings = Map.groupBy === undefined ? groupByProcess(verdict) : Map.groupBy(verdict, ({ process }) => process);
  const rank = ({ state, findings: own }) => (own.length > 0 ? 0 : state === 'dead' ? 2 : 1);
  return infos
    .map((info) => ({ ...info, findings: findings.get(info.file) ?? [] }))
    .toSorted((a, b) => rank(a) - rank(b));
}

function groupByProcess(verdict) {
  const groups = new Map();
  for (const finding of verdict) groups.set(finding.process, [...(groups.get(finding.process) ?? []), finding]);
  return groups;
}

function showTotals(infos) {
  const living = infos.filter(({ state }) => state !== 'dead');
  const sum = (valueOf) => living.reduce((total, info) => total + (valueOf(info) ?? 0), 0);
  const isMeasured = living.some(({ vitals }) => vitals?.residentBytes !== undefined);
  const mains = living.filter(({ thread }) => thread === 0);
  const lag = Math.max(0, ...mains.map(({ vitals }) => vitals?.loopLagSeconds ?? 0));
  const worst = mains.find(({ vitals }) => vitals?.loopLagSeconds === lag);
  setText(
    byId('tile-cpu'),
    isMeasured ? short(Number(mains.reduce((all, { vitals }) => all + (vitals?.cpuShare ?? 0), 0).toFixed(2))) : '–',
  );
  setText(byId('tile-memory'), isMeasured ? bytes(sum(({ vitals }) => vitals?.residentBytes)) : '–');
  setText(byId('tile-lag'), isMeasured ? seconds(lag) : '–');
  setText(byId('tile-lag-note'), worst === undefined || lag === 0 ? 'event loop' : `process ${worst.pid}`);
  byId('tile-lag').parentElement.classList.toggle('alarming', lag > 0.1);
  const rates = [...workers.rates.values()].filter(({ requests }) => requests !== null);
  const requests = rates.reduce((total, rate) => total + rate.requests, 0);
  const failed = rates.reduce((total, rate) => total + (rate.failed ?? 0), 0);
  setText(byId('tile-requests'), rates.length === 0 ? '–' : short(requests));
  setText(byId('tile-failed'), rates.length === 0 ? '–' : percent(requests > 0 ? failed / requests : 0));
  byId('tile-failed').parentElement.classList.toggle('alarming', requests > 0 && failed / requests >= 0.01);
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
  const wanted = byId('family-filter').value.trim();
  // the server has searched
  const matching = latest.families;
  const listed = latest.families.reduce((sum, { series }) => sum + series, 0);
  // where not all metrics are listed, the sum of the collector's statistics is the total, without its own metrics
  const all = Math.max(1, listed, latest.stats.series);
  // metrics of less than one percent are nearly the same row again and again: they fold into the button
  const large = matching.filter(({ series }) => series >= all / 100).length;
  const first = wanted === '' ? Math.max(MIN_FAMILIES, Math.min(large, FIRST_FAMILIES)) : FIRST_FAMILIES;
  const shown = allFamilies ? matching : matching.slice(0, first);
  families.show(shown.map((family) => ({ ...family, share: family.series / all })));
  setText(byId('family-count'), countOf(shown.length, latest.foundCount));
  const more = byId('all-families');
  more.hidden = matching.length <= first;
  const rest = count(matching.length - first);
  setText(
    more,
    allFamilies ? 'Show fewer' : large <= first ? `Show ${rest} more, each less than 1 %` : `Show ${rest} more`,
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
function announceDeaths(infos) {
  const now = new Map(infos.map(({ file, pid, thread, state }) => [file, { name: nameOf(pid, thread), state }]));
  if (known !== undefined) {
    const died = [...now].filter(([file, { state }]) => state === 'dead' && known.get(file)?.state !== 'dead');
    const came = [...now].filter(([file, { state }]) => state !== 'dead' && !known.has(file));
    const parts = [];
    if (died.length > 0) parts.push(`Died: ${namesOf(died)}.`);
    if (came.length > 0) parts.push(`Started: ${namesOf(came)}.`);
    if (parts.length > 0) setText(byId('news'), parts.join(' '));
    const time = latest.collectedAtMs / 1000;
    for (const [, { name }] of died) workers.mark({ time, kind: 'died', name });
    for (const [, { name }] of came) workers.mark({ time, kind: 'started', name });
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
  const past = recordedCharts.find(({ request }) => request.metric === metric && request.by === by);
  if (past !== undefined) panel.setPast(past.samples);
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

/** What happened before the page was opened. */
async function recall() {
  try {
    const response = await fetch('status/history.json', { signal: AbortSignal.timeout(5000), cache: 'no-store' });
    if (!response.ok) return;
    const recorded = await response.json();
    recordedCharts = recorded.charts;
    workers.fill(recorded);
  } catch {
    // the charts begin now
  }
}

void recall().then(ask);
