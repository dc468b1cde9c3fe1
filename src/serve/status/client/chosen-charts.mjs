/** The charts that were picked are in the address: a reload keeps them, and the address can be sent to somebody. */

/** Undefined where the address says nothing about charts, which is not the same as none. */
export function chosenCharts(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  if (!parameters.has('chart')) return undefined;
  return parameters
    .getAll('chart')
    .filter((chart) => chart.includes('/'))
    .map((chart) => ({
      by: chart.slice(0, chart.indexOf('/')) || undefined,
      metric: chart.slice(chart.indexOf('/') + 1),
    }));
}

export function rememberCharts(charts) {
  const parameters = new URLSearchParams(charts.map(({ metric, by = '' }) => ['chart', `${by}/${metric}`]));
  if (charts.length === 0) parameters.set('chart', '');
  history.replaceState(null, '', `#${parameters.toString()}`);
}
