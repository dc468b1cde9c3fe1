/** One chart of the page: the values of a metric over the last minutes, with the current values in the legend. */
import { element, setName, setText } from './element.mjs';
import { isBytes, metricValue } from './format.mjs';
import { drawHeatmap } from './heatmap.mjs';
import { BucketHistory, HISTORY_SECONDS, LineHistory, Rates } from './history.mjs';
import { drawMarks } from './marks.mjs';

/** Readers cannot tell more lines apart. */
const MAX_DRAWN = 10;
const HEIGHT = 190;
/** The time axis covers at least this, so that the first few values are not stretched over the whole width. */
const LEAST_SECONDS = 60;

const GROUPINGS = { series: 'each series', process: 'each process', total: 'all together' };

export class ChartPanel {
  /** The values in the time that is shown. */
  lines = new LineHistory();
  #rates = new Rates();
  #buckets = new BucketHistory();
  /** The values of the chart before it was opened, with their times. */
  past = [];
  /** Deaths and starts of processes, the oldest first. */
  marks = [];
  #plot;
  #drawn = '';
  #colours = new Map();
  #preferred;
  #labelsOf;
  #chart;
  #title;
  #about;
  #grouping;
  #look;
  #canvas;
  #legend;
  #note;
  #resized;
  #scheme;
  #onScheme = () => this.#draw(true);

  /**
   * Calls `onRemove` where the user removes the chart, and `onGrouping` where the user chooses another grouping (`by`). `colourOf`
   * returns the colour that a line should have, if no other line of the chart has it; `labelsOf` the texts for the names of lines.
   */
  constructor(metric, by, { onRemove, onGrouping, title = metric, colourOf = () => 0, labelsOf = shortNames }) {
    this.#preferred = colourOf;
    this.#labelsOf = labelsOf;
    this.metric = metric;
    this.by = by;
    this.#title = element('h3');
    setName(this.#title, title);
    this.#about = element('p', { class: 'about' });
    this.#grouping = element('select', {
      'aria-label': `Lines of ${metric}`,
      hidden: true,
      onchange: () => {
        this.by = this.#grouping.value;
        onGrouping(this);
      },
    });
    this.#look = element(
      'select',
      { 'aria-label': `View of ${metric}`, hidden: true, onchange: () => this.#draw(true) },
      element('option', { value: 'quantiles' }, 'quantiles'),
      element('option', { value: 'heatmap' }, 'heatmap'),
    );
    this.#canvas = element('div', {
      class: 'plot',
      tabindex: '0',
      role: 'img',
      'aria-label': `Chart of ${title}; the arrow keys move through time`,
      onkeydown: (event) => this.#onKey(event),
    });
    this.#legend = element('ul', { class: 'legend' });
    this.#note = element('p', { class: 'note' }, 'Waiting for the second update…');
    const remove = element(
      'button',
      {
        type: 'button',
        class: 'remove',
        hidden: onRemove === undefined,
        'aria-label': `Remove the chart of ${metric}`,
        onclick: () => onRemove(this),
      },
      '×',
    );
    const controls = element('div', { class: 'controls' }, this.#grouping, this.#look, remove);
    this.root = element(
      'section',
      { class: 'chart', 'aria-label': title },
      element('div', { class: 'head' }, this.#title, controls),
      this.#about,
      this.#canvas,
      this.#legend,
      this.#note,
    );
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(this.#canvas);
    this.#scheme = matchMedia('(prefers-color-scheme: dark)');
    this.#scheme.addEventListener('change', this.#onScheme);
  }

  /** @param chart the chart from the server; null where there is no such metric */
  add(time, chart) {
    // the grouping has changed: the user chose another one, or the server did where the user has not chosen
    if (chart !== null && this.#chart !== undefined && chart.by !== this.#chart.by) this.#forget();
    if (this.#chart === undefined && chart?.isNative === true) this.#look.value = 'heatmap';
    this.#chart = chart ?? undefined;
    if (chart === null) {
      setText(this.#note, 'There is no such metric now. The chart starts when the metric appears.');
      this.lines.add(time, new Map());
      return;
    }
    setText(this.#about, chart.help);
    this.#offer(chart);
    for (const sample of this.past.splice(0)) if (sample.time < time) this.#take(sample.time, { ...chart, ...sample });
    this.#take(time, chart);
    this.#draw();
  }

  #take(time, chart) {
    if (chart.buckets !== undefined) {
      this.#buckets.add(time, chart.buckets);
      if (this.#buckets.times.length > 0) this.lines.add(time, this.#buckets.quantiles());
    } else if (chart.type === 'counter') {
      this.lines.add(time, this.#rates.of(time, chart.lines));
    } else {
      this.lines.add(time, new Map(chart.lines.map(({ name, value }) => [name, value])));
    }
  }

  close() {
    this.#resized.disconnect();
    this.#scheme.removeEventListener('change', this.#onScheme);
    this.#plot?.destroy();
    this.root.remove();
  }

  get #isHistogram() {
    return this.#chart?.buckets !== undefined;
  }

  #offer({ choices, by, buckets }) {
    this.#look.hidden = buckets === undefined;
    this.#grouping.hidden = choices.length < 2;
    const offered = [...this.#grouping.options].map(({ value }) => value);
    if (offered.join() !== choices.join()) {
      this.#grouping.replaceChildren(
        ...choices.map((choice) =>
          element('option', { value: choice }, GROUPINGS[choice] ?? `each ${choice.slice('label:'.length)}`),
        ),
      );
    }
    if (this.#grouping.value !== by) this.#grouping.value = by;
  }

  #forget() {
    this.lines = new LineHistory();
    this.#rates = new Rates();
    this.#colours.clear();
  }

  /** The lines with the greatest values in the time that is shown, in their own order. */
  #chosenNames() {
    const names = this.lines.names;
    if (names.length <= MAX_DRAWN) return names;
    // by the peak and not by the latest value: lines that are nearly equal would come and go, and a past incident is to be seen
    const peaks = new Map(names.map((name) => [name, this.lines.peakOf(name)]));
    const largest = names.toSorted((a, b) => peaks.get(b) - peaks.get(a)).slice(0, MAX_DRAWN);
    // lines that are always 0 tell nothing beside others
    const chosen = new Set(largest.filter((name, at) => at === 0 || peaks.get(name) !== 0));
    return names.filter((name) => chosen.has(name));
  }

  #draw(again = false) {
    if (this.#chart === undefined) return;
    const heatmap = this.#isHistogram && this.#look.value === 'heatmap';
    const names = heatmap ? [] : this.#chosenNames();
    const key = JSON.stringify([heatmap, names, heatmap ? this.#buckets.bounds : []]);
    if (again || key !== this.#drawn || this.#plot === undefined) {
      this.#drawn = key;
      this.#plot?.destroy();
      this.#plot = this.#newPlot(names, heatmap);
      this.#showNames(names);
    }
    this.#plot?.setData(this.#data(names, heatmap));
    this.#showValues();
    this.#showNote(names.length, heatmap);
  }

  #data(names, heatmap) {
    if (!heatmap) return [this.lines.times, ...names.map((name) => this.lines.valuesOf(name))];
    // uPlot draws no chart without a line, so this line is invisible; a hook draws the rows
    const { times, bounds } = this.#buckets;
    return [times, times.map((_, at) => (at === 0 ? bounds.length + 1 : 0))];
  }

  #newPlot(names, heatmap) {
    const { uPlot } = globalThis;
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { stroke: colour('--grid'), width: 1, size: 4 },
    };
    const { metric } = this;
    const perSecond = this.#chart.type === 'counter';
    const { bounds } = this.#buckets;
    const rows = {
      splits: () => [0, ...bounds.map((_, at) => at + 1)].filter((_, at) => at % Math.ceil(bounds.length / 8) === 0),
      values: (_, splits) => splits.map((at) => (at === 0 ? '0' : metricValue(bounds[at - 1], metric, false))),
    };
    const options = {
      width: Math.max(120, this.#canvas.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: !heatmap } },
      scales: {
        x: { time: true, range: (plot, least, most) => windowOf(this.lines.times) ?? [least ?? 0, most ?? 1] },
        y: heatmap ? { range: () => [0, bounds.length + 1] } : { range: rangeOf },
      },
      axes: [
        { ...axis, space: 70, size: 28, values: (_, splits) => splits.map(clock) },
        {
          ...axis,
          // ticks at powers of two bytes, and not at 1.91 MiB
          ...(isBytes(metric) && { incrs: Array.from({ length: 50 }, (_, power) => 2 ** power) }),
          size: (_, values) => Math.max(44, 12 + 7 * Math.max(0, ...(values ?? []).map((text) => String(text).length))),
          values: (_, splits) => splits.map((value) => metricValue(value, metric, perSecond)),
          ...(heatmap && rows),
        },
      ],
      series: [
        {},
        ...(heatmap
          ? [{ show: true, width: 0, points: { show: false } }]
          : names.map((name) => ({
              label: name,
              stroke: colour(`--line-${this.#colourOf(name)}`),
              width: 2,
              points: { show: false },
            }))),
      ],
      hooks: {
        setCursor: [() => this.#showValues()],
        draw: [
          (plot) => heatmap && drawHeatmap(plot, this.#buckets, colour('--heat')),
          (plot) => drawMarks(plot, this.marks, { died: colour('--dead'), started: colour('--muted') }),
        ],
      },
    };
    return new uPlot(options, this.#data(names, heatmap), this.#canvas);
  }

  #colourOf(name) {
    const known = this.#colours.get(name);
    if (known !== undefined) return known;
    // lines that are not drawn any more free their colours
    const drawn = new Set(this.#chosenNames());
    for (const other of [...this.#colours.keys()]) if (!drawn.has(other)) this.#colours.delete(other);
    const taken = new Set(this.#colours.values());
    const inOrder = [this.#preferred(name) % MAX_DRAWN, ...Array(MAX_DRAWN).keys()];
    const free = inOrder.find((at) => !taken.has(at)) ?? 0;
    this.#colours.set(name, free);
    return free;
  }

  #showNames(names) {
    const shown = this.#labelsOf(names);
    this.#legend.replaceChildren(
      ...names.map((name, at) =>
        element(
          'li',
          {},
          this.#swatch(name),
          element('span', { class: 'name', title: name, 'data-name': name }, shown[at]),
          element('span', { class: 'value' }),
        ),
      ),
    );
  }

  #swatch(name) {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = `var(--line-${this.#colourOf(name)})`;
    return swatch;
  }

  /** Shows the values under the cursor, or the current ones where there is no cursor. */
  #showValues() {
    const at = this.#plot?.cursor.idx ?? this.lines.times.length - 1;
    for (const item of this.#legend.children) {
      const [, name, value] = item.children;
      const number = this.lines.valuesOf(name.dataset.name)?.[at];
      setText(value, metricValue(number, this.metric, this.#chart?.type === 'counter'));
    }
  }

  #showNote(drawn, heatmap) {
    const { omitted, type } = this.#chart;
    const all = this.lines.names.length + omitted;
    const updates = heatmap ? this.#buckets.times.length : this.lines.times.length;
    const parts = [];
    if (updates < 2) parts.push('Waiting for the second update…');
    else if (this.#isHistogram && this.#buckets.isEmpty) parts.push('Nothing was observed in the time that is shown.');
    else if (heatmap) parts.push('Darker: more observations in that bucket between two updates.');
    const which = type === 'counter' ? 'fastest' : 'largest';
    if (!heatmap && all > drawn) parts.push(`The ${drawn} ${which} of ${all} lines.`);
    setText(this.#note, parts.join(' '));
  }

  #fit() {
    const width = this.#canvas.clientWidth;
    if (width > 0 && this.#plot?.width !== width) this.#plot?.setSize({ width, height: HEIGHT });
  }

  /** The arrow keys move the cursor through time; Escape returns to the current values. */
  #onKey(event) {
    const plot = this.#plot;
    const last = this.lines.times.length - 1;
    if (plot === undefined || last < 0) return;
    const now = plot.cursor.idx ?? last;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (event.key === 'Escape') plot.setCursor({ left: -10, top: -10 });
    else if (to !== undefined) {
      event.preventDefault();
      const time = this.lines.times[Math.min(last, Math.max(0, to))];
      plot.setCursor({ left: plot.valToPos(time, 'x'), top: 10 });
    }
  }
}

/** The names of the series without the labels that are equal in all of them. */
function shortNames(names) {
  const labels = names.map((name) => name.split(/(?<=(?<!\\)"),/));
  const common = labels[0]?.filter((label) => labels.every((others) => others.includes(label))) ?? [];
  if (names.length < 2 || common.length === 0) return names;
  return labels.map((own, at) => own.filter((label) => !common.includes(label)).join(', ') || names[at]);
}

/** The time range of the chart: the last minutes, or less where the history is shorter. */
function windowOf(times) {
  if (times.length === 0) return undefined;
  const last = times.at(-1);
  return [Math.min(last - LEAST_SECONDS, Math.max(times[0], last - HISTORY_SECONDS)), last];
}

/** The value range starts at 0, so that the height of a line shows its amount; negative values extend it downwards. */
function rangeOf(_, least, most) {
  if (least === null || most === null || !Number.isFinite(most)) return [0, 1];
  const [from, to] = [Math.min(0, least), Math.max(0, most)];
  const room = (to - from) * 0.08 || 1;
  return [from < 0 ? from - room : 0, to + room];
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

function clock(seconds) {
  return time.format(seconds * 1000);
}
