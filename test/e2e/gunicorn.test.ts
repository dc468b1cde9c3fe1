/** gunicorn with the configuration of the guide, read by this package. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GUIDE, Page } from '../guide/page.js';
import { afterTest } from '../support/after-test.js';
import { ask } from '../support/http-request.js';
import { needs, PYTHON } from '../support/needs.js';
import { freePort, until } from '../support/program.js';
import { pythonFile, pythonKey } from '../support/python-file.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const APP = `
import os
from prometheus_client import Counter, Gauge
orders = Counter('orders', 'Orders')
workers = Gauge('workers', 'Living workers', multiprocess_mode='livesum')
def app(environ, start_response):
    orders.inc()
    workers.set(1)
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Connection', 'close')])
    return [str(os.getpid()).encode()]
`;

test(
  'under gunicorn with the configuration of the guide old files are gone, and a killed worker keeps its counts but no live gauge',
  needs('gunicorn', 'python client'),
  async (t) => {
    const [dir, project] = [withTempDir(t), withTempDir(t)];
    const [configuration] = new Page(join(GUIDE, 'python.md')).blocks('gunicorn.conf.py');
    writeFileSync(join(project, 'gunicorn.conf.py'), configuration.text);
    writeFileSync(join(project, 'shop.py'), APP);
    const former = join(dir, 'counter_4194304.db');
    writeFileSync(former, pythonFile([{ key: pythonKey('orders', 'orders_total', {}, 'Orders'), value: 99 }], false));
    const port = await freePort();
    const log = join(project, 'log');
    const server = spawn(
      PYTHON,
      ['-m', 'gunicorn', '--workers=2', `--bind=127.0.0.1:${port}`, `--log-file=${log}`, 'shop:app'],
      { cwd: project, env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, PYTHONDONTWRITEBYTECODE: '1' } },
    );
    const ended = new Promise((resolve) => server.once('exit', resolve));
    afterTest(t, async () => {
      server.kill('SIGTERM');
      await ended;
    });
    let orders = 0;
    const pids = new Set<number>();
    /** Orders until a set of workers has answered. */
    const orderFrom = async (isEnough: () => boolean): Promise<void> => {
      await until(async () => {
        const response = await ask(`http://127.0.0.1:${port}/`).catch(() => undefined);
        if (response?.status !== 200) return false;
        orders++;
        pids.add(Number(response.text));
        return isEnough();
      });
    };
    await orderFrom(() => pids.size === 2);
    assert.equal(existsSync(former), false, readFileSync(log, 'utf8'));
    const reading = new Reading(dir);
    assert.deepEqual(reading.values(), { orders_total: orders, workers: 2 });
    const [killed] = pids;
    process.kill(killed, 'SIGKILL');
    await until(() => {
      reading.collect();
      return reading.stats.dead > 0;
    });
    assert.deepEqual(reading.values(), { orders_total: orders, workers: 1 });
    // gunicorn has started another worker in its place
    await orderFrom(() => pids.size === 3);
    assert.deepEqual(reading.values(), { orders_total: orders, workers: 2 });
    reading.close();
  },
);
