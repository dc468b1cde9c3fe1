/** The example of Next.js, with the packed package: built by both bundlers, alone and under PM2, and edited under `next dev`. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { guidePage } from '../guide/page.js';
import { afterTest } from '../support/after-test.js';
import { type InstalledApp, sharedApp } from '../support/installed-app.js';
import { eventually, Pm2 } from '../support/pm2.js';
import { DIST, freePort, type Program, startProgram, until } from '../support/program.js';

const EXAMPLE = join(DIST, '..', 'examples', 'nextjs');
const installed = sharedApp(['next@16.4.6', 'react@19', 'react-dom@19']);
const BUNDLERS = ['turbopack', 'webpack'];
const PRELOAD = 'node_modules/prom-multiproc/dist/src/register.js';
const VARIABLES = { NEXT_TELEMETRY_DISABLED: '1', NODE_TEST_CONTEXT: undefined };

/** A part of the application that uses prom-client, which the preload redirects. */
const LEGACY = `
import { Counter, register } from 'prom-client';
const emails = register.getSingleMetric('emails_total') ?? new Counter({ name: 'emails_total', help: 'Emails.' });
export function POST() {
  emails.inc();
  return new Response('sent\\n');
}
`;

/** The example, without what an earlier test built or edited. */
async function nextApp(): Promise<InstalledApp> {
  const app = await installed();
  rmSync(app.path('.next'), { recursive: true, force: true });
  for (const name of ['app', 'lib', 'instrumentation.js', 'next.config.mjs']) {
    rmSync(app.path(name), { recursive: true, force: true });
    cpSync(join(EXAMPLE, name), app.path(name), { recursive: true });
  }
  return app;
}

/** Builds with the configuration of the guide's page, of which Turbopack needs less. @returns the standalone folder */
async function build(app: InstalledApp, bundler: string): Promise<string> {
  const blocks = guidePage('nextjs.md').blocks();
  const config = blocks.find(({ text }) => text.includes(`'prom-client'`) && text.includes('serverExternalPackages'))!;
  const text =
    bundler === 'webpack' ? config.text : config.text.replace(/ +outputFileTracingIncludes[^]*?\n {2}\},\n/, '');
  app.write({ 'next.config.mjs': text, 'app/legacy/route.js': LEGACY });
  const next = app.path('node_modules', '.bin', 'next');
  const { end, output } = await app.run(next, ['build', `--${bundler}`], { NEXT_TELEMETRY_DISABLED: '1' });
  assert.equal(end, 0, output);
  return app.path('.next', 'standalone');
}

class Site {
  constructor(readonly port: number) {}

  fetch(path: string, options?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, options);
  }

  async isUp(): Promise<boolean> {
    return this.fetch('/metrics').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Uses the page and the routes. */
  async visit(): Promise<void> {
    const answers = [await this.fetch('/')];
    for (const route of ['/api/orders', '/legacy']) answers.push(await this.fetch(route, { method: 'POST' }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
  }

  /** Returns the counts of the application, such as `page 1`. */
  async counts(): Promise<string> {
    const text = await (await this.fetch('/metrics')).text();
    const lines = [...text.matchAll(/^(?:orders_total\{by="(.*)"\}|(emails)_total) (.*)$/gm)];
    const counts = lines.map(([, by, name, count]) => `${by ?? name} ${count}`);
    return counts.toSorted().join();
  }
}

/** Starts a server alone, which counts in memory. */
async function served(
  t: TestContext,
  dir: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ site: Site; program: Program }> {
  const site = new Site(await freePort());
  const env = { ...VARIABLES, PORT: String(site.port), HOSTNAME: '127.0.0.1', ...variables };
  const program = startProgram(t, process.execPath, args, env, dir);
  await until(() => site.isUp());
  return { site, program };
}

for (const bundler of BUNDLERS) {
  test(`a standalone build by ${bundler} counts once what instrumentation, a page, a route and a user of prom-client count, alone and under PM2`, async (t) => {
    const standalone = await build(await nextApp(), bundler);
    const { site: alone, program } = await served(t, standalone, ['--import', `./${PRELOAD}`, 'server.js']);
    await alone.visit();
    assert.equal(await alone.counts(), 'emails 1,instrumentation 1,page 1,route 1');
    assert.doesNotMatch(program.output(), /prom-multiproc:/);

    const pm2 = new Pm2();
    afterTest(t, () => pm2.end());
    const site = new Site(await freePort());
    await pm2.start({
      name: 'shop',
      script: join(standalone, 'server.js'),
      exec_mode: 'cluster',
      instances: 2,
      node_args: ['--import', join(standalone, PRELOAD)],
      env: { PORT: String(site.port), HOSTNAME: '127.0.0.1' },
    });
    await eventually('the site is up', () => site.isUp());
    for (let visit = 0; visit < 10; visit++) await site.visit();
    await eventually('both instances are counted', async () => {
      return (await site.counts()) === 'emails 10,instrumentation 2,page 10,route 10';
    });
    // files are mapped: the build has the native module
    assert.doesNotMatch(pm2.logs(), /prom-multiproc:/);
  });

  test(`after an edit of the shared module under next dev, by ${bundler}, nothing is registered twice and counts continue`, async (t) => {
    const app = await nextApp();
    const next = app.path('node_modules', 'next', 'dist', 'bin', 'next');
    const { site, program } = await served(t, app.dir, [next, 'dev', `--${bundler}`]);
    try {
      let visits = 0;
      const page = async (): Promise<string> => {
        const answer = await site.fetch('/');
        assert.equal(answer.status, 200);
        visits++;
        return answer.text();
      };
      const edit = (file: string, change: (text: string) => string): void =>
        app.write({ [file]: change(readFileSync(app.path(file), 'utf8')) });
      await page();
      edit('lib/metrics.js', (text) => `${text}\nexport const edited = true;\n`);
      edit('app/page.js', (text) => text.replace('Thank', 'Many thanks'));
      await until(async () => (await page()).includes('Many thanks'));
      assert.match(await site.counts(), new RegExp(`,page ${visits}$`));
      assert.doesNotMatch(program.output(), /prom-multiproc:|already been registered/);
    } finally {
      // its server is a child process that a SIGKILL would leave
      program.child.kill('SIGTERM');
      await program.ended();
    }
  });
}
