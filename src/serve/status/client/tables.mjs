/** The columns of the page's tables. */
import { element, setName, setText } from './element.mjs';
import { age, bytes, count, percent, seconds, short } from './format.mjs';
import { LiveTable, textCell } from './live-table.mjs';
import { processName } from './marks.mjs';

/** @param {{ now: () => number, charts: import('./worker-charts.mjs').WorkerCharts }} source */
export function processTable(table, { now, charts }) {
  /** @param more `spark`: the figure of its sparkline; `rule`: the rule of the verdict that makes its cell red */
  const figure = (title, about, valueOf, textOf, { spark, rule, minor } = {}) => ({
    title,
    kind: 'number',
    about,
    minor,
    sortBy: (process) => valueOf(process) ?? -1,
    show: (cell, process) => {
      const value = valueOf(process);
      showFigure(cell, value === undefined ? '–' : textOf(value), process.file, spark, charts);
      if (rule === undefined) return;
      cell.classList.toggle(
        'trouble-cell',
        process.findings.some((finding) => finding.rule === rule),
      );
    },
  });
  return new LiveTable(
    table,
    [
      {
        title: 'PID',
        kind: 'number',
        heads: true,
        about: 'Process, and worker thread',
        sortBy: ({ pid, thread }) => pid + thread / 1e6,
        show: textCell(processName),
      },
      { title: 'State', kind: 'text', sortBy: ({ state }) => state, show: showState },
      figure('CPU', '100 % is a whole core', ({ vitals }) => vitals?.cpuShare, percent, { spark: 'cpu' }),
      figure('Memory', 'Resident memory', ({ vitals }) => vitals?.residentBytes, bytes, {
        spark: 'memory',
        rule: 'memory',
      }),
      figure('Lag', 'Longest time without a turn of the event loop', ({ vitals }) => vitals?.loopLagSeconds, seconds, {
        spark: 'lag',
        rule: 'lag',
      }),
      figure('Req/s', 'HTTP requests per second', ({ requests }) => requests?.perSecond, short, { spark: 'requests' }),
      figure('5xx', 'Part of the requests that had a status of 5xx', failedShare, percent, {
        spark: 'failed',
        rule: 'failing',
      }),
      figure('Loop', 'Event loop utilization', ({ vitals }) => vitals?.loopShare, percent, { minor: true }),
      figure('GC', 'Time in garbage collection', ({ vitals }) => vitals?.gcShare, percent, {
        spark: 'gc',
        minor: true,
      }),
      figure('Age', 'Time since the process started', ({ startedAt }) => now() - startedAt, age, { minor: true }),
      figure('Restarts', 'Processes that had this slot before', ({ vitals }) => vitals?.restarts, count, {
        minor: true,
      }),
      figure('Series', 'Series in its file', ({ series }) => series, count, { minor: true }),
      {
        title: 'Last beat',
        kind: 'number',
        minor: true,
        about: 'Each process writes a heartbeat about every 5 seconds, whether it counts or not',
        sortBy: ({ lastBeatAt = 0 }) => -lastBeatAt,
        show: textCell(({ lastBeatAt }) => (lastBeatAt === undefined ? '–' : `${age(now() - lastBeatAt)} ago`)),
      },
      textColumn('Host', ({ hostName }) => hostName),
      textColumn('Kind', ({ kind }) => kind, 'The library that writes the file: this package or client_python'),
    ],
    ({ file }) => file,
    (row, { file, findings }) => {
      row.id = `process-${file}`;
      row.classList.toggle('named', findings.length > 0);
    },
  );
}

/** A column of little importance that is sorted by its texts. */
function textColumn(title, textOf, about) {
  return { title, kind: 'text', minor: true, about, sortBy: textOf, show: textCell(textOf) };
}

function countColumn(title, valueOf, more) {
  return { title, kind: 'number', sortBy: valueOf, show: textCell((item) => count(valueOf(item))), ...more };
}

function failedShare({ requests }) {
  const { perSecond, failedPerSecond: failed } = requests ?? {};
  return failed === undefined || perSecond === 0 ? failed : failed / perSecond;
}

function showFigure(cell, text, file, spark, charts) {
  if (cell.firstChild === null) cell.append(element('span', { class: 'figure' }), ...(spark ? [sparkline()] : []));
  setText(cell.firstChild, text);
  // sparklines change less often than the figures
  if (spark === undefined || cell.dataset.version === String(charts.version)) return;
  cell.dataset.version = charts.version;
  const { values, most } = charts.sparkOf(file, spark);
  drawSparkline(cell.lastChild, values, most);
}

/** A small line without axes. */
const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [72, 18];

function sparkline() {
  const line = document.createElementNS(SVG, 'polyline');
  const root = document.createElementNS(SVG, 'svg');
  root.setAttribute('class', 'spark');
  root.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  root.setAttribute('preserveAspectRatio', 'none');
  root.setAttribute('aria-hidden', 'true');
  root.append(line);
  return root;
}

/** @param {number[]} values the oldest first @param {number} most the top of the scale */
function drawSparkline(root, values, most) {
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1)}`,
  );
  root.firstChild.setAttribute('points', points.join(' '));
}

const STATES = { live: 'live', dead: 'dead', unknown: 'perhaps live', ended: 'ended' };

function showState(cell, { state: liveness, endedNormally }) {
  const state = endedNormally ? 'ended' : liveness;
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  cell.replaceChildren(element('span', { class: `state ${state}` }, element('span', {}, STATES[state])));
}

export function familyTable(table, { isDrawn, toggle }) {
  return new LiveTable(
    table,
    [
      { title: 'Metric', kind: 'text', heads: true, sortBy: ({ name }) => name, show: showName },
      textColumn('Type', ({ type }) => type),
      countColumn('Series', ({ series }) => series),
      { title: 'Share', kind: 'text', about: 'Of all series', minor: true, show: showShare },
      countColumn('Lines', ({ lines }) => lines, {
        minor: true,
        about: 'Lines in the exposition: a series of a histogram has one for each bucket and two more',
      }),
      { title: 'Chart', kind: 'text', show: (cell, family) => showToggle(cell, family, { isDrawn, toggle }) },
    ],
    ({ name }) => name,
  );
}

function showName(cell, { name, help }) {
  if (cell.firstChild === null) cell.append(element('span', { class: 'metric' }), element('span', { class: 'help' }));
  setName(cell.children[0], name);
  setText(cell.children[1], help);
}

function showShare(cell, { share }) {
  if (cell.firstChild === null) {
    const bar = element('span', { class: 'track', 'aria-hidden': 'true' }, element('span', { class: 'bar' }));
    cell.append(element('span', { class: 'share' }, bar, element('span', { class: 'percent' })));
  }
  const [track, text] = cell.firstChild.children;
  // set through the object model, since the page's Content-Security-Policy forbids inline styles
  track.firstChild.style.width = `${(share * 100).toFixed(2)}%`;
  setText(text, percent(share));
}

function showToggle(cell, { name, type }, { isDrawn, toggle }) {
  if (type === 'info') return;
  if (cell.firstChild === null) {
    cell.append(
      element('button', { type: 'button', 'aria-label': `Chart of ${name}`, onclick: () => toggle(name) }, 'Chart'),
    );
  }
  cell.firstChild.setAttribute('aria-pressed', String(isDrawn(name)));
}

export function skippedFileTable(table) {
  return new LiveTable(
    table,
    [
      { title: 'File', kind: 'text', heads: true, show: textCell(({ name }) => name) },
      { title: 'Reason', kind: 'text', show: textCell(({ reason }) => reason.replaceAll('_', ' ')) },
      { title: 'What is wrong', kind: 'text', show: textCell(({ error }) => error) },
    ],
    ({ name }) => name,
  );
}
