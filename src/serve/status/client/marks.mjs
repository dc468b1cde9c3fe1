/** Deaths and starts of processes: marks on charts, and a list of the latest. */
import { element } from './element.mjs';
import { count } from './format.mjs';

const MAX_LISTED = 6;

/** Dashed lines where a process died, and dotted ones where one started. @param {{ died: string, started: string }} colours */
export function drawMarks(plot, marks, colours) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = 2 * Math.max(1, Math.round(devicePixelRatio));
  for (const { time, kind } of marks) {
    const x = Math.round(plot.valToPos(time, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = colours[kind];
    ctx.setLineDash(kind === 'died' ? [6, 3] : [2, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** The changes between two statuses. */
export class ProcessWatch {
  /** The state of each process by its file; undefined before the first status. */
  #known;

  /** @param {string[]} living files of the processes that the server saw alive last */
  begin(living) {
    this.#known = new Map(living.map((file) => [file, 'live']));
  }

  /** Returns the marks of the processes that died or started since the last call. */
  changes(processes, time) {
    const known = this.#known;
    this.#known = new Map(processes.map(({ file, state }) => [file, state]));
    if (known === undefined) return [];
    return processes.flatMap((process) => {
      const { file, state } = process;
      const isChanged = state === 'dead' ? known.has(file) && known.get(file) !== 'dead' : !known.has(file);
      return isChanged ? [{ time, kind: state === 'dead' ? 'died' : 'started', name: processName(process) }] : [];
    });
  }
}

export function processName({ pid, thread }) {
  return thread === 0 ? String(pid) : `${pid}-${thread}`;
}

/** Shows the latest marks as text, the last one first. */
export function listMarks(list, marks) {
  const latest = marks.slice(-MAX_LISTED).toReversed();
  const items = latest.map(({ time, kind, name }) =>
    element('li', { class: kind }, element('time', {}, new Date(time * 1000).toLocaleTimeString()), ` ${name} ${kind}`),
  );
  const earlier = marks.length - latest.length;
  if (earlier > 0) items.push(element('li', {}, `${count(earlier)} earlier`));
  list.replaceChildren(...items);
}
