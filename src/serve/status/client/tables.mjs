/** The columns of the page's tables. */
import { element, setName, setText } from './element.mjs';
import { age, bytes, count, percent } from './format.mjs';
import { LiveTable, textCell } from './live-table.mjs';

export function processTable(table, now) {
  return new LiveTable(
    table,
    [
      {
        title: 'PID',
        kind: 'number',
        heads: true,
        sortBy: ({ pid, thread }) => pid + thread / 1e6,
        show: textCell(({ pid }) => String(pid)),
      },
      {
        title: 'Thread',
        kind: 'text',
        sortBy: ({ thread }) => thread,
        show: textCell(({ thread }) => (thread === 0 ? 'main' : String(thread))),
      },
      { title: 'State', kind: 'text', sortBy: ({ state }) => state, show: showState },
      {
        title: 'Age',
        kind: 'number',
        about: 'Time since the process started',
        sortBy: ({ startedAt }) => -startedAt,
        show: textCell(({ startedAt }) => age(now() - startedAt)),
      },
      {
        title: 'Series',
        kind: 'number',
        sortBy: ({ series }) => series,
        show: textCell(({ series }) => count(series)),
      },
      {
        title: 'Size',
        kind: 'number',
        sortBy: ({ sizeBytes }) => sizeBytes,
        show: textCell(({ sizeBytes }) => bytes(sizeBytes)),
      },
      {
        title: 'Last write',
        kind: 'number',
        about: 'Each process writes a heartbeat about every 5 seconds, whether it counts or not',
        sortBy: ({ lastBeatAt = 0 }) => -lastBeatAt,
        show: textCell(({ lastBeatAt }) => (lastBeatAt === undefined ? '–' : `${age(now() - lastBeatAt)} ago`)),
      },
      {
        title: 'Host',
        kind: 'text',
        minor: true,
        sortBy: ({ hostName }) => hostName,
        show: textCell(({ hostName }) => hostName),
      },
      {
        title: 'Kind',
        kind: 'text',
        minor: true,
        about: 'The library that writes the file: this package or client_python',
        sortBy: ({ kind }) => kind,
        show: textCell(({ kind }) => kind),
      },
      { title: 'File', kind: 'text', minor: true, sortBy: ({ file }) => file, show: textCell(({ file }) => file) },
    ],
    ({ file }) => file,
  );
}

const STATES = { live: 'live', dead: 'dead', unknown: 'perhaps live' };

function showState(cell, { state }) {
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  cell.replaceChildren(element('span', { class: `state ${state}` }, STATES[state]));
}

export function familyTable(table, { isDrawn, toggle }) {
  return new LiveTable(
    table,
    [
      { title: 'Metric', kind: 'text', heads: true, sortBy: ({ name }) => name, show: showName },
      { title: 'Type', kind: 'text', minor: true, sortBy: ({ type }) => type, show: textCell(({ type }) => type) },
      {
        title: 'Series',
        kind: 'number',
        sortBy: ({ series }) => series,
        show: textCell(({ series }) => count(series)),
      },
      { title: 'Share', kind: 'text', about: 'Of all series', minor: true, show: showShare },
      {
        title: 'Lines',
        kind: 'number',
        minor: true,
        about: 'Lines in the exposition: a series of a histogram has one for each bucket and two more',
        sortBy: ({ lines }) => lines,
        show: textCell(({ lines }) => count(lines)),
      },
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
