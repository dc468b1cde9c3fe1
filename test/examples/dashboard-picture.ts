/**
 * Draws the panels of examples/monitoring/dashboard.json from the answers of a Prometheus to their queries. Grafana is not needed for
 * that: uPlot draws the lines, and the picture shows the arrangement, the titles, the units and the legends of the file.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';

export interface Panel {
  readonly type: 'timeseries' | 'heatmap';
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export interface DrawnPanel {
  readonly title: string;
  readonly type: Panel['type'];
  readonly unit: string;
  readonly gridPos: Panel['gridPos'];
  readonly times: readonly number[];
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Asks a Prometheus for the values of a panel. @throws {Error} where it refuses a query */
export async function valuesOf(panel: Panel, prometheusUrl: string, range: Range, rate: string): Promise<DrawnPanel> {
  const times = Array.from(
    { length: Math.floor((range.end - range.start) / range.step) + 1 },
    (_, at) => range.start + at * range.step,
  );
  const lines = await Promise.all(
    panel.targets.map(async ({ expr, legendFormat }) => {
      const query = expr.replaceAll('$__rate_interval', rate).replaceAll('"$job"', '".*"');
      const parameters = Object.entries({ query, ...range }).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      const response = await fetch(`${prometheusUrl}/api/v1/query_range?${new URLSearchParams(parameters).toString()}`);
      const { data, error } = (await response.json()) as {
        data?: { result: { metric: Record<string, string>; values: [number, string][] }[] };
        error?: string;
      };
      if (data === undefined) throw new Error(`${query}: ${error}`);
      return data.result.map(({ metric, values }) => {
        const byTime = new Map(values.map(([time, value]) => [time, Number(value)]));
        return {
          name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
          values: times.map((time) => byTime.get(time) ?? null).map((value) => (Number.isFinite(value) ? value : null)),
        };
      });
    }),
  );
  const { title, type, gridPos } = panel;
  return { title, type, gridPos, unit: panel.fieldConfig.defaults.unit, times, lines: lines.flat() };
}

/** Draws the panels on a page, each at its place, and returns the height in pixels. */
export async function drawPanels(page: Page, panels: readonly DrawnPanel[], caption: string): Promise<number> {
  const uplot = dirname(require.resolve('uplot/dist/uPlot.min.css'));
  await page.setContent(
    `<!doctype html><style>${readFileSync(join(uplot, 'uPlot.min.css'), 'utf8')}${STYLE}</style><main></main>`,
  );
  await page.addScriptTag({ content: readFileSync(join(uplot, 'uPlot.iife.min.js'), 'utf8') });
  return page.evaluate(`(${DRAW})(${JSON.stringify(panels)}, ${JSON.stringify(caption)})`);
}

const STYLE = `
  body { margin: 0; background: #f4f5f5; font: 13px system-ui, sans-serif; color: #24292e; }
  p { margin: 8px 10px; color: #59636e; }
  main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: 30px; gap: 8px; padding: 8px; }
  section { background: #fff; border: 1px solid #dfe2e5; border-radius: 3px; padding: 6px 8px; min-width: 0; overflow: hidden; }
  h2 { font-size: 13px; margin: 0 0 2px; font-weight: 600; }
  ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 11px; color: #59636e; height: 32px; overflow: hidden; }
  i { display: inline-block; width: 12px; height: 3px; margin-right: 4px; vertical-align: middle; }`;

/** Runs in the browser. */
const DRAW = `(panels, caption) => {
  const COLOURS = ['#2563eb', '#0f8a5f', '#c2410c', '#7c3aed', '#0e7490', '#b45309', '#c026a3', '#475569', '#4d7c0f', '#1e3a8a'];
  const digits = (value) => String(Number(value.toPrecision(3)));
  const scaled = (value, units, base) => {
    let at = 0;
    while (Math.abs(value) >= base && at < units.length - 1) { value /= base; at++; }
    return digits(value) + units[at];
  };
  const UNITS = {
    bytes: (value) => scaled(value, [' B', ' KiB', ' MiB', ' GiB'], 1024),
    s: (value) => (value !== 0 && Math.abs(value) < 1 ? digits(value * 1000) + ' ms' : digits(value) + ' s'),
    reqps: (value) => scaled(value, [' req/s', 'k req/s'], 1000),
    cps: (value) => scaled(value, [' c/s', 'k c/s'], 1000),
    percentunit: (value) => digits(value * 100) + ' %',
    short: (value) => scaled(value, ['', ' K', ' Mil'], 1000),
  };
  const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString('en-GB');
  const axis = { grid: { stroke: '#eceeef', width: 1 }, ticks: { stroke: '#eceeef', width: 1 }, font: '11px system-ui', stroke: '#59636e' };
  const main = document.querySelector('main');
  for (const { title, type, unit, gridPos, times, lines } of panels) {
    const section = document.createElement('section');
    const { x, y, w, h } = gridPos;
    section.style.gridArea = (y + 1) + ' / ' + (x + 1) + ' / span ' + h + ' / span ' + w;
    const heading = document.createElement('h2');
    heading.textContent = title;
    const plot = document.createElement('div');
    section.append(heading, plot);
    main.append(section);
    const shown = UNITS[unit];
    const size = { width: section.clientWidth - 16, height: section.clientHeight - (type === 'heatmap' ? 30 : 66) };
    if (lines.length === 0) { plot.textContent = 'No data'; continue; }
    const numbered = (line) => ({ ...line, bound: line.name === '+Inf' ? Infinity : Number(line.name) });
    const rows = type === 'heatmap' ? lines.map(numbered).toSorted((a, b) => a.bound - b.bound) : lines;
    const heat = (chart) => {
      // the counts of classic buckets are cumulative
      const own = rows.map((row, at) => row.values.map((value, time) => Math.max(0, (value ?? 0) - (at === 0 ? 0 : (rows[at - 1].values[time] ?? 0)))));
      const most = Math.max(...own.flat());
      const { ctx } = chart;
      ctx.save();
      ctx.fillStyle = '#2563eb';
      own.forEach((row, bucket) => row.forEach((value, at) => {
        if (at === 0 || value === 0) return;
        const [left, right] = [times[at - 1], times[at]].map((time) => Math.floor(chart.valToPos(time, 'x', true)));
        const [top, bottom] = [bucket + 1, bucket].map((place) => Math.floor(chart.valToPos(place, 'y', true)));
        ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(value / most);
        ctx.fillRect(left, top, right - left, bottom - top - 1);
      }));
      ctx.restore();
    };
    const isHeat = type === 'heatmap';
    new uPlot({
      ...size, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: true }, y: { range: (_, least, most) => (isHeat ? [0, rows.length] : [Math.min(0, least ?? 0), (most || 1) * 1.1]) } },
      axes: [
        { ...axis, values: (_, splits) => splits.map(clock), space: 90 },
        { ...axis, size: 74, ...(isHeat && { splits: () => rows.map((_, at) => at + 1).filter((at) => at % 3 === 0) }),
          values: (_, splits) => splits.map((value) => (isHeat ? (rows[value - 1].bound === Infinity ? '+Inf' : shown(rows[value - 1].bound)) : shown(value))) },
      ],
      series: [{}, ...(isHeat ? [{ show: true, width: 0, points: { show: false } }] : rows.map((_, at) => ({ stroke: COLOURS[at % COLOURS.length], width: 1.5, points: { show: false } })))],
      hooks: { draw: isHeat ? [heat] : [] },
    }, isHeat ? [times, times.map(() => 0)] : [times, ...rows.map(({ values }) => values)], plot);
    if (isHeat) continue;
    const legend = document.createElement('ul');
    legend.append(...rows.map(({ name, values }, at) => {
      const item = document.createElement('li');
      const swatch = document.createElement('i');
      swatch.style.background = COLOURS[at % COLOURS.length];
      const last = values.findLast((value) => value !== null);
      item.append(swatch, name + (last === undefined ? '' : '  ' + shown(last)));
      return item;
    }));
    section.append(legend);
  }
  const note = document.createElement('p');
  note.textContent = caption;
  document.body.append(note);
  return document.documentElement.scrollHeight;
}`;
