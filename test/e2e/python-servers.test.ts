/** The servers of Python that the guide names, with client_python, read by this package. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GUIDE, Page } from '../guide/page.js';
import { afterTest } from '../support/after-test.js';
import { ask } from '../support/http-request.js';
import { needs, PYTHON } from '../support/needs.js';
import { freePort, until } from '../support/program.js';
import { pythonFile, pythonKey } from '../support/python-file.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const METRICS = `
import os
from prometheus_client import Counter, Gauge
orders = Counter('orders', 'Orders')
workers = Gauge('workers', 'Living workers', multiprocess_mode='livesum')
def order():
    orders.inc()
    workers.set(1)
    return str(os.getpid()).encode()
`;

const WSGI = `${METRICS}
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Connection', 'close')])
    return [order()]
`;

const ASGI = `${METRICS}
async def app(scope, receive, send):
    headers = [(b'content-type', b'text/plain'), (b'connection', b'close')]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': order()})
`;

const DJANGO = `${METRICS}
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='-')
def view(request):
    response = HttpResponse(order(), content_type='text/plain')
    response['Connection'] = 'close'
    return response
urlpatterns = [path('', view)]
app = get_wsgi_application()
`;

const CELERY = `${METRICS}
from celery import Celery
folders = {'data_folder_in': 'queue', 'data_folder_out': 'queue', 'polling_interval': 0.05}
app = Celery('shop', broker='filesystem://', broker_transport_options=folders)
app.conf.update(worker_prefetch_multiplier=1, task_ignore_result=True)
@app.task
def place():
    order()
    import time
    time.sleep(0.2)
`;

class PythonServer {
  readonly dir: string;
  readonly pids = new Set<number>();
  orders = 0;

  /** @param args of Python @param port where it serves, if it does */
  constructor(
    t: TestContext,
    readonly project: string,
    args: readonly string[],
    readonly port = 0,
    dir = withTempDir(t),
  ) {
    this.dir = dir;
    const server = spawn(PYTHON, args, { cwd: project, env: this.env, stdio: 'ignore', detached: true });
    const ended = new Promise((resolve) => server.once('exit', resolve));
    afterTest(t, async () => {
      // with its workers, for which Celery would wait for seconds
      process.kill(-server.pid!, 'SIGKILL');
      await ended;
    });
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, PROMETHEUS_MULTIPROC_DIR: this.dir, PYTHONDONTWRITEBYTECODE: '1' };
  }

  /** Orders until so many workers have answered. */
  async orderFrom(workers: number): Promise<void> {
    await until(async () => {
      const response = await ask(`http://127.0.0.1:${this.port}/`).catch(() => undefined);
      if (response?.status !== 200) return false;
      this.orders++;
      this.pids.add(Number(response.text));
      return this.pids.size === workers;
    });
  }
}

/** A folder with the application `shop`, and with the configuration that the guide has for gunicorn. */
function projectOf(t: TestContext, application: string): string {
  const project = withTempDir(t);
  const [configuration] = new Page(join(GUIDE, 'python.md')).blocks('gunicorn.conf.py');
  writeFileSync(join(project, 'gunicorn.conf.py'), configuration.text);
  writeFileSync(join(project, 'shop.py'), application);
  return project;
}

test(
  'under gunicorn with the configuration of the guide old files are gone, and a killed worker keeps its counts but no live gauge',
  needs('gunicorn', 'python client'),
  async (t) => {
    const [dir, project] = [withTempDir(t), projectOf(t, WSGI)];
    const former = join(dir, 'counter_4194304.db');
    writeFileSync(former, pythonFile([{ key: pythonKey('orders', 'orders_total', {}, 'Orders'), value: 99 }], false));
    const port = await freePort();
    const log = join(project, 'log');
    const args = ['-m', 'gunicorn', '--workers=2', `--bind=127.0.0.1:${port}`, `--log-file=${log}`, 'shop:app'];
    const server = new PythonServer(t, project, args, port, dir);
    await server.orderFrom(2);
    assert.equal(existsSync(former), false, readFileSync(log, 'utf8'));
    const reading = new Reading(dir);
    assert.deepEqual(reading.values(), { orders_total: server.orders, workers: 2 });
    const [killed] = server.pids;
    process.kill(killed, 'SIGKILL');
    await until(() => {
      reading.collect();
      return reading.stats.dead > 0;
    });
    assert.deepEqual(reading.values(), { orders_total: server.orders, workers: 1 });
    // gunicorn has started another worker in its place
    await server.orderFrom(3);
    assert.deepEqual(reading.values(), { orders_total: server.orders, workers: 2 });
    reading.close();
  },
);

for (const [name, application, needed, argsOf] of [
  [
    'Django behind gunicorn',
    DJANGO,
    needs('gunicorn', 'django', 'python client'),
    (port: number) => ['-m', 'gunicorn', '--workers=2', `--bind=127.0.0.1:${port}`, '--log-level=error', 'shop:app'],
  ],
  [
    'uvicorn',
    ASGI,
    needs('uvicorn', 'python client'),
    (port: number) => ['-m', 'uvicorn', '--workers=2', `--port=${port}`, '--log-level=error', 'shop:app'],
  ],
] as const) {
  test(`${name}: all workers count, with nothing but the variable`, needed, async (t) => {
    const port = await freePort();
    const server = new PythonServer(t, projectOf(t, application), argsOf(port), port);
    await server.orderFrom(2);
    const reading = new Reading(server.dir);
    afterTest(t, () => reading.close());
    assert.deepEqual(reading.values(), { orders_total: server.orders, workers: 2 });
  });
}

test(
  "Celery's workers count, with nothing but the variable, although their parent has imported the metrics before its forks",
  needs('celery', 'python client'),
  async (t) => {
    const project = projectOf(t, CELERY);
    mkdirSync(join(project, 'queue'));
    const args = ['-m', 'celery', '--app=shop', 'worker', '--concurrency=2', '--pool=prefork', '--without-mingle'];
    const server = new PythonServer(t, project, args);
    const orders = 10;
    const placed = spawnSync(PYTHON, ['-c', `import shop\nfor _ in range(${orders}): shop.place.delay()`], {
      cwd: project,
      env: { ...server.env, PROMETHEUS_MULTIPROC_DIR: undefined },
      encoding: 'utf8',
    });
    assert.equal(placed.status, 0, placed.stderr);
    const reading = new Reading(server.dir);
    afterTest(t, () => reading.close());
    await until(() => reading.values().orders_total === orders);
    assert.deepEqual(reading.values(), { orders_total: orders, workers: 2 });
  },
);
