import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as promClient from 'prom-client';
import { negotiateFormat } from '../../src/exposition/negotiate.js';

const TEXT = promClient.prometheusContentType;
const OPENMETRICS = promClient.openMetricsContentType;
const TEXT_1_0_0 = 'text/plain; version=1.0.0; charset=utf-8';
const PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const OPENMETRICS_0_0_1 = 'application/openmetrics-text; version=0.0.1; charset=utf-8';

const CASES: Record<string, [accept: string | undefined, contentType: string][]> = {
  'Prometheus 2.42 and similar scrapers get OpenMetrics, or protobuf if native histograms are enabled': [
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      OPENMETRICS,
    ],
    ['application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', OPENMETRICS_0_0_1],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      PROTOBUF,
    ],
  ],
  'Prometheus 3 gets OpenMetrics, or text if it asks for PrometheusText first': [
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      `${OPENMETRICS}; escaping=allow-utf-8`,
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      PROTOBUF,
    ],
    [
      'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.4,*/*;q=0.1',
      `${TEXT_1_0_0}; escaping=allow-utf-8`,
    ],
    ['text/plain;version=1.0.0;escaping=values', `${TEXT_1_0_0}; escaping=values`],
    ['text/plain;version=1.0.0', TEXT_1_0_0],
    ['text/plain;version=1.0.0;escaping=shouting', TEXT_1_0_0],
    ['text/plain;version=0.0.4;escaping=allow-utf-8', TEXT],
  ],
  // Alloy and the OpenTelemetry Collector scrape with Prometheus' package `scrape`, whose acceptHeader() makes these of scrape_protocols
  'Prometheus from 2.49 on, Grafana Alloy and the OpenTelemetry Collector get the first of their scrape_protocols': [
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      OPENMETRICS,
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      PROTOBUF,
    ],
    // 3.0 to 3.3 sent the escaping with every protocol
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2',
      `${OPENMETRICS}; escaping=allow-utf-8`,
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.2,*/*;q=0.1',
      `${PROTOBUF}; escaping=allow-utf-8`,
    ],
    // metric_name_escaping_scheme: underscores
    [
      'application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      `${OPENMETRICS}; escaping=underscores`,
    ],
    ['text/plain;version=0.0.4;q=0.6,*/*;q=0.5', TEXT],
  ],
  // VictoriaMetrics, lib/promscrape/client.go
  'vmagent and VictoriaMetrics get text': [['text/plain;version=0.0.4;q=1,*/*;q=0.1', TEXT]],
  // integrations-core, openmetrics/README.md: from Agent 7.46 on; with use_latest_spec; and before
  'the Datadog Agent gets OpenMetrics, and text before 7.46': [
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      OPENMETRICS,
    ],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1', OPENMETRICS],
    ['text/plain', TEXT],
  ],
  // plugins/inputs/prometheus/prometheus.go; Prometheus 1 and categraf send the same
  'Telegraf gets protobuf': [
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3',
      PROTOBUF,
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1',
      PROTOBUF,
    ],
  ],
  'a browser and curl get text': [
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', TEXT],
    ['*/*', TEXT],
    [undefined, TEXT],
    ['', TEXT],
  ],
  'the higher quality wins': [
    ['text/plain;q=0.1,application/openmetrics-text;q=0.2', OPENMETRICS],
    ['text/plain;q=0.3,application/openmetrics-text;q=0.2', TEXT],
    ['application/openmetrics-text;q=1.0,text/plain;q=1.000', OPENMETRICS],
    ['application/openmetrics-text;q=0.001,text/plain;q=0.0', OPENMETRICS],
  ],
  'among equals the more specific one wins, then the first': [
    ['*/*,application/openmetrics-text', OPENMETRICS],
    ['text/*,application/openmetrics-text', OPENMETRICS],
    ['application/*,text/plain', TEXT],
    ['application/*', OPENMETRICS],
    ['text/plain,application/openmetrics-text', TEXT],
    ['application/openmetrics-text,text/plain', OPENMETRICS],
    ['application/openmetrics-text;version=0.0.1,application/openmetrics-text;version=1.0.0', OPENMETRICS_0_0_1],
  ],
  'a quality of 0 excludes a format, even if a wildcard allows it': [
    ['text/plain;q=0,*/*', OPENMETRICS],
    ['*/*,application/openmetrics-text;q=0,text/plain;q=0.1', TEXT],
    ['application/openmetrics-text;q=0', TEXT],
  ],
  'unknown versions and types are ignored, and if nothing is left the format is text': [
    ['application/openmetrics-text;version=2.0.0', TEXT],
    ['application/openmetrics-text;version=2.0.0,text/plain;q=0.5', TEXT],
    ['text/plain;version=0.0.3,application/openmetrics-text;q=0.1', OPENMETRICS],
    ['application/json', TEXT],
    ['image/*;q=0.8', TEXT],
  ],
  'protobuf is only for headers with its message and the delimited encoding': [
    ['application/vnd.google.protobuf', TEXT],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text,*/*;q=0.1', TEXT],
    ['application/vnd.google.protobuf;proto=other.Message;encoding=delimited,*/*;q=0.1', TEXT],
    [
      'Application/Vnd.Google.Protobuf ; Encoding=delimited ; Proto="io.prometheus.client.MetricFamily" ; Escaping=dots',
      `${PROTOBUF}; escaping=dots`,
    ],
  ],
  'case, spaces and quotes make no difference': [
    ['APPLICATION/OpenMetrics-Text ; VERSION=1.0.0 ; Q=0.9 , text/plain ; q=0.5', OPENMETRICS],
    ['application/openmetrics-text;version="1.0.0"', OPENMETRICS],
    ['application/openmetrics-text;note="a,b;q=0";version="0\\.0.1"', OPENMETRICS_0_0_1],
  ],
  'garbage is ignored': [
    [',;,;;==,"', TEXT],
    ['application/openmetrics-text;q=high,text/plain', TEXT],
    ['application/openmetrics-text;q=NaN', TEXT],
    ['application/openmetrics-text;q=-1', TEXT],
    ['application/openmetrics-text;q=2', TEXT],
    ['application/openmetrics-text;charset', OPENMETRICS],
    ['"application/openmetrics-text', TEXT],
    ['\0\ud800', TEXT],
  ],
};

describe('an Accept header', () => {
  for (const [sentence, cases] of Object.entries(CASES)) {
    it(sentence, () => {
      for (const [accept, contentType] of cases) assert.equal(negotiateFormat(accept).contentType, contentType, accept);
    });
  }

  it('chooses the format and the content type', () => {
    assert.deepEqual(negotiateFormat('application/openmetrics-text'), {
      format: 'openmetrics',
      contentType: OPENMETRICS,
      escaping: 'underscores',
    });
    assert.deepEqual(negotiateFormat('*/*'), { format: 'text', contentType: TEXT, escaping: 'underscores' });
  });

  it('chooses the escaping of the format; for protobuf, which has none, that of the other accepted formats', () => {
    const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
    const escapings = [
      'text/plain;version=1.0.0;escaping=dots;q=0.4,application/openmetrics-text;version=1.0.0;escaping=values',
      `${protobuf},application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5`,
      `${protobuf},application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2`,
      `${protobuf};escaping=values,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5`,
      'application/openmetrics-text;version=0.0.1;escaping=allow-utf-8',
    ].map((accept) => negotiateFormat(accept).escaping);
    assert.deepEqual(escapings, ['values', 'allow-utf-8', 'underscores', 'values', 'underscores']);
  });

  it('may be an array of headers', () => {
    assert.equal(negotiateFormat(['text/plain;q=0.5', 'application/openmetrics-text']).contentType, OPENMETRICS);
  });

  it('with any content never throws and gives a format', () => {
    const word = fc.constantFrom(
      'text/plain',
      'application/openmetrics-text',
      '*/*',
      ';',
      ',',
      '"',
      '\\',
      'q=',
      '0.5',
      '=',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ unit: 'binary' })), { maxLength: 20 }), (words) => {
        assert.ok(
          [TEXT, TEXT_1_0_0, OPENMETRICS, OPENMETRICS_0_0_1].includes(negotiateFormat(words.join('')).contentType),
        );
      }),
    );
    for (const wrong of [null, 7, {}, [7], [undefined]]) {
      assert.equal(negotiateFormat(wrong as never).contentType, TEXT);
    }
  });

  it('with a megabyte of the same character takes linear time', () => {
    for (const character of [',', ';', '=', '"', '\\', ' ', 'a', '/', '\t', ';q=0', ',*/*', '"\\']) {
      negotiateFormat(character.repeat(1e6 / character.length));
    }
  });
});
