/** The URL's fragment contains the chosen charts: a reload keeps them, and a user can send the URL to somebody else. */

/** Undefined where the URL does not mention charts; an empty array where the user has removed all of them. */
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
