/** The text of an exposition beside that of prom-client. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import * as promClient from 'prom-client';
import { renderText } from '../../src/exposition/render.js';
import { OPENMETRICS, TEXT } from '../../src/exposition/text-dialect.js';
import type { MetricFamily, MetricType } from '../../src/model/metric-family.js';

/** Converts prom-client's public JSON to our data model. */
async function familiesOf(registry: promClient.Registry): Promise<MetricFamily[]> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as {
    name: string;
    help: string;
    type: MetricType;
    values: { metricName?: string; labels: Record<string, unknown>; value: number }[];
  }[];
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    type,
    samples: values.map(({ metricName, labels, value }) => ({
      name: metricName ?? name,
      labels: Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, String(text)])),
      value,
    })),
  }));
}

function fill(registry: promClient.Registry): void {
  const registers = [registry];
  const labelNames = ['method', 'code'];
  const requests = new promClient.Counter({ name: 'requests_total', help: 'Requests.', labelNames, registers });
  requests.inc({ method: 'GET', code: 200 }, 5);
  requests.inc({ code: 500, method: 'PO"S\\T\n' }, 0.5);
  requests.inc({ method: 'é😀' });
  new promClient.Counter({ name: 'plain_total', help: 'A back\\slash and\na newline.', registers }).inc(1e21);
  const none = new promClient.Counter({ name: 'none_total', help: 'None yet.', labelNames: ['a'], registers });
  none.reset();
  const level = new promClient.Gauge({ name: 'level', help: 'Level.', labelNames: ['at'], registers });
  level.set({ at: 'low' }, -1.25e-9);
  level.set({ at: 'top' }, Infinity);
  level.set({ at: 'pit' }, -Infinity);
  new promClient.Gauge({ name: 'zero', help: 'Zero.', registers }).set(0);
  const wait = new promClient.Histogram({ name: 'wait_seconds', help: 'Wait.', labelNames: ['method'], registers });
  wait.observe({ method: 'GET' }, 0.3);
  wait.observe({ method: 'GET' }, 30);
  wait.observe({ method: 'PUT' }, 1);
  new promClient.Histogram({ name: 'plain_seconds', help: 'Plain.', buckets: [1, 2.5], registers }).observe(2);
  const size = new promClient.Summary({ name: 'size_bytes', help: 'Size.', labelNames: ['method'], registers });
  size.observe({ method: 'GET' }, 10);
  size.observe({ method: 'GET' }, 20);
  new promClient.Summary({ name: 'plain_bytes', help: 'Plain.', percentiles: [0.5, 1], registers }).observe(3);
}

describe('the layout of one process', () => {
  let registry: promClient.Registry;
  beforeEach(() => {
    registry = new promClient.Registry();
  });

  it('is that of prom-client, byte for byte', async () => {
    fill(registry);
    assert.equal(renderText(await familiesOf(registry), TEXT), await registry.metrics());
  });

  it('is that of prom-client without any metric', async () => {
    assert.equal(renderText([], TEXT), await registry.metrics());
  });

  it('differs from prom-client in the spelling of NaN, which is that of the formats', async () => {
    new promClient.Gauge({ name: 'unknown', help: 'NaN.', registers: [registry] }).set(NaN);
    const theirs = await registry.metrics();
    assert.match(theirs, / Nan\n$/);
    assert.equal(renderText(await familiesOf(registry), TEXT), theirs.replace('Nan', 'NaN'));
  });

  it('is that of prom-client in OpenMetrics if counters end in _total', async () => {
    fill(registry);
    const families = await familiesOf(registry);
    const openMetrics = new promClient.Registry();
    openMetrics.setContentType(promClient.openMetricsContentType as never);
    fill(openMetrics);
    assert.equal(renderText(families, OPENMETRICS), await openMetrics.metrics());
  });
});
