/** What a real Prometheus stores of a push. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Histogram, register } from 'prom-multiproc';
import { startPush } from 'prom-multiproc/push';
import { afterTest } from '../support/after-test.js';
import { needs } from '../support/needs.js';
import { until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';

for (const version of ['1.0', '2.0', 'auto'] as const) {
  test(
    `a push by remote write ${version} brings counters, native histograms and exemplars`,
    needs('prometheus 3'),
    async (t) => {
      const prometheus = await startPrometheus(
        t,
        withTempDir(t),
        { storage: { exemplars: { max_exemplars: 100 } } },
        {
          version: 3,
          flags: ['--web.enable-remote-write-receiver', '--enable-feature=native-histograms,exemplar-storage'],
        },
      );
      afterTest(t, () => register.clear());
      const jobs = new Counter({ name: 'jobs_total', help: 'Jobs.', enableExemplars: true });
      jobs.inc({ labels: {}, value: 3, exemplarLabels: { trace_id: 'abc' } });
      const native = new Histogram({ name: 'wait', help: 'Waits.', buckets: [], nativeHistogramBucketFactor: 1.1 });
      const both = new Histogram({ name: 'size', help: 'Sizes.', buckets: [1, 2], nativeHistogramBucketFactor: 1.1 });
      for (const value of [-2, 0, 0.5, 1.5]) {
        native.observe(value);
        both.observe(value);
      }
      const push = startPush({
        intervalMs: 300,
        labels: { job: 'app' },
        remoteWrite: { url: `${prometheus.url}/api/v1/write`, version },
      });
      afterTest(t, () => push.close());
      await until(async () => (await prometheus.value('jobs_total{job="app"}')) === 3);
      assert.equal(await prometheus.value('histogram_count(wait)'), 4);
      assert.equal(await prometheus.value('histogram_sum(wait)'), 0);
      assert.equal(await prometheus.value('histogram_count(size)'), 4);
      assert.equal(await prometheus.value('size_bucket{le="1"}'), 3);
      assert.equal(await prometheus.value('count({__name__="wait_bucket"}) or vector(0)'), 0);
      const response = await fetch(`${prometheus.url}/api/v1/query_exemplars?query=jobs_total&start=0&end=9999999999`);
      const { data } = (await response.json()) as { data: { exemplars: { labels: object; value: string }[] }[] };
      assert.deepEqual(
        data.map(({ exemplars }) => exemplars.map(({ labels, value }) => [labels, value])),
        [[[{ trace_id: 'abc' }, '3']]],
      );
      native.observe(7);
      await until(async () => (await prometheus.value('histogram_count(wait)')) === 5);
      await push.close();
      // the last values, and then the end of the series
      assert.equal(await prometheus.value('count({job="app"}) or vector(0)'), 0);
      assert.equal(await prometheus.value('max_over_time(jobs_total[1m])'), 3);
    },
  );
}
