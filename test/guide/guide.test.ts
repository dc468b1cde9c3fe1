/** What README and the guide say of the package is so. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MULTIPROCESS_MODES, MultiprocessCollector } from 'prom-multiproc';
import { NO_FIGURES } from '../../src/directory/push-record.js';
import { Leadership } from '../../src/push/leadership.js';
import { SETTINGS } from '../../src/storage/settings.js';
import { type Member, scrape, startCluster } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { DIST } from '../support/program.js';
import { sourceFiles } from '../support/source-file.js';
import { withTempDir } from '../support/temp-dir.js';
import { OPTION_TABLES } from './option-tables.js';
import { codeSpans, GUIDE, guidePage, Page, PAGES, README } from './page.js';

// Self-metrics of pushes are there where a leader has its lock, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const ROOT = join(DIST, '..');
const SOURCES = sourceFiles(ROOT, 'src').map(({ text }) => text);
/** With string literals that are broken over lines as one. */
const SOURCE_TEXT = SOURCES.join('\n').replaceAll(/['`]\s*\+\s*['`]/g, '');

/** Everything of a pattern that the pages say, with the page. */
function mentionsOf(pattern: RegExp): { readonly name: string; readonly text: string }[] {
  return PAGES.flatMap(({ name, text }) => [...text.matchAll(pattern)].map(([found]) => ({ name, text: found })));
}

test('every link leads to a file, and to a heading, that is there', () => {
  for (const page of PAGES) {
    for (const [, target, anchor] of page.text.matchAll(/\]\(([^)#]*)#?([^)]*)\)/g)) {
      if (target.startsWith('https:')) continue;
      const path = target === '' ? page.path : join(dirname(page.path), target);
      assert.ok(existsSync(path), `${page.name}: ${target}`);
      if (anchor !== '') assert.ok(new Page(path).anchors.includes(anchor), `${page.name}: ${target}#${anchor}`);
    }
  }
});

test('README leads to every page of the guide', () => {
  for (const name of readdirSync(GUIDE)) assert.ok(README.text.includes(`](examples/guide/${name})`), name);
});

test('the index of the examples has every one', () => {
  const examples = readdirSync(join(GUIDE, '..')).filter((name) => name !== 'guide' && name !== 'pictures');
  for (const name of examples) assert.ok(guidePage('README.md').text.includes(`](../${name})`), name);
});

test('the table of settings has every environment variable, with its option, and no other', () => {
  const rows = guidePage('operations.md').table('environment variable');
  const told = Object.fromEntries(rows.map(([variable, option]) => [codeSpans(variable)[0], codeSpans(option)[0]]));
  const options = Object.fromEntries(Object.entries(SETTINGS).map(([option, variable]) => [variable, option]));
  assert.deepEqual(told, {
    PROMETHEUS_MULTIPROC_DIR: 'dir',
    ...options,
    PROM_MULTIPROC_SCOPE: undefined,
    PROM_MULTIPROC_TRUSTED_USERS: undefined,
    PROM_MULTIPROC_NO_MMAP: undefined,
  });
  for (const { name, text } of mentionsOf(/\b(?:PROM_MULTIPROC|PROMETHEUS_MULTIPROC)_[A-Z_]+\b/g)) {
    assert.ok(text in told, `${name}: ${text}`);
  }
});

test('the table of self-metrics has every one, with its label, and no page names another', async (t) => {
  const dir = withTempDir(t);
  // those of pushes are there as soon as there is a push
  const push = new Leadership({ id: '0123456789abcdef', target: 'otlp', intervalMs: 1000, warn: assert.fail });
  assert.ok(push.decide(dir));
  push.end(NO_FIGURES);
  const collector = new MultiprocessCollector({ dir, threads: false });
  const families = await collector.families();
  await collector.close();
  const expected = families.map(({ name, samples }) => {
    const labels = Object.keys(samples[0].labels);
    return labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
  });
  // counted by the processes, so that it is there once anything was dropped
  expected.push('prom_multiproc_dropped_samples_total{metric,reason}');
  const told = guidePage('operations.md')
    .table('metric')
    .map(([cell]) => codeSpans(cell)[0]);
  assert.deepEqual(told.toSorted(), expected.toSorted());
  const names = new Set(told.map((metric) => metric.replace(/\{.*/, '')));
  for (const { name, text } of mentionsOf(/\bprom_multiproc_[a-z][a-z_]*/g)) {
    assert.ok(names.has(text), `${name}: ${text}`);
  }
});

test('every message that is quoted is one of the package', () => {
  const page = guidePage('troubleshooting.md');
  const messages = page.table('message').map(([cell]) => codeSpans(cell)[0]);
  const answers = [...page.text.matchAll(/«([^»]+)»/g)].map(([, text]) => text.replaceAll('\n', ' '));
  assert.ok(messages.length >= 15 && answers.length >= 3);
  for (const quoted of [...messages, ...answers]) {
    for (const part of quoted.split('…').map((text) => text.trim())) {
      assert.ok(SOURCE_TEXT.includes(part), `${quoted}: nothing in src says «${part}»`);
    }
  }
});

test('every error code that is named is one of the package', () => {
  const codes = new Set(SOURCE_TEXT.match(/\bERR_[A-Z_]+\b/g));
  for (const { name, text } of mentionsOf(/\bERR_[A-Z_]+\b/g)) assert.ok(codes.has(text), `${name}: ${text}`);
});

test('the reasons for which files are skipped are told, each', async (t) => {
  const collector = new MultiprocessCollector({ dir: join(withTempDir(t), 'none'), threads: false });
  const skipped = (await collector.families()).find(({ name }) => name === 'prom_multiproc_files_skipped')!;
  await collector.close();
  const told = guidePage('troubleshooting.md')
    .table('reason')
    .map(([cell]) => codeSpans(cell)[0]);
  assert.deepEqual(told.toSorted(), skipped.samples.map(({ labels }) => labels.reason).toSorted());
});

/** The members of an interface and what their docstrings say first of a default. */
function defaultsOf(name: string): Map<string, string> {
  const body = SOURCES.map(
    (text) => new RegExp(`^export interface ${name}\\b[^{]*\\{\n([^]*?)^\\}`, 'm').exec(text)?.[1],
  );
  const members = body.find((text) => text !== undefined);
  assert.ok(members !== undefined, `there is no interface ${name}`);
  const documented = members.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s+(?:readonly )?(\w+)\??:/g);
  const defaults = [...documented].map(([, text, member]) => {
    const first = /\b[Dd]efault:? (\S+)/.exec(text.replaceAll(/\s+\*?\s*/g, ' '))?.[1] ?? '';
    return [member, first.replace(/[.,:;]+$/, '')] as const;
  });
  // words such as «the default registry» are not to be compared
  return new Map(defaults.filter(([, value]) => /^(?:[\d/`'.]|true$|false$|none$|Infinity$)/.test(value)));
}

test('the defaults in the tables of options are those of the docstrings', () => {
  let compared = 0;
  for (const { page, heading, interfaces } of OPTION_TABLES) {
    const columns = page === 'metrics.md' ? 2 : 1;
    const rows = new Map(
      guidePage(page)
        .table('option', heading)
        .flatMap((cells) => codeSpans(cells[0]).map((option) => [option, cells[columns]])),
    );
    for (const [option, value] of interfaces.flatMap((name) => [...defaultsOf(name)])) {
      const told = rows.get(option);
      // not of this table's type
      if (told === undefined) continue;
      const plain = value.replace('0o', '0').replaceAll('`', '');
      assert.ok(told.replaceAll('`', '').includes(plain), `${page}, «${heading}»: ${option} is ${value}, not ${told}`);
      compared++;
    }
  }
  assert.ok(compared >= 40, `${compared} defaults were compared`);
});

test('the gauge modes by example are what a cluster shows', async (t) => {
  const { primary } = await startCluster(t, withTempDir(t), 0);
  const workers: Member[] = [];
  for (const value of [5, 3, 8]) {
    const worker = await primary.fork();
    workers.push(worker);
    await worker.run(
      ({ prom }, modes, number) => {
        for (const multiprocessMode of modes) {
          new prom.Gauge({ name: multiprocessMode, help: 'x', multiprocessMode }).set(number);
        }
      },
      MULTIPROCESS_MODES,
      value,
    );
    await delay(5); // for the clock of mostrecent
  }
  const pids = workers.map(({ pid }) => String(pid));
  const shown = async (): Promise<Record<string, string>> => {
    const { samples } = parseExposition(await scrape(primary));
    return Object.fromEntries(
      MULTIPROCESS_MODES.map((mode) => {
        const own = samples.filter(({ name }) => name === mode);
        const inOrder = own.toSorted((a, b) => pids.indexOf(a.labels.pid) - pids.indexOf(b.labels.pid));
        return [mode, inOrder.map(({ value }) => value).join(', ')];
      }),
    );
  };
  const alive = await shown();
  await workers[2].kill('SIGKILL');
  const dead = await shown();
  assert.deepEqual(
    guidePage('metrics.md')
      .table('mode')
      .map(([mode, ...values]) => [codeSpans(mode)[0], ...values]),
    MULTIPROCESS_MODES.map((mode) => [mode, alive[mode], dead[mode]]),
  );
});

test('the licence that README names is the one in package.json', () => {
  const { license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { license: string };
  assert.ok(README.section('License').includes(license));
});

test('the list of deliberate differences has every case, with its reason', () => {
  const cases = readFileSync(join(ROOT, 'test', 'compat', 'differences.test.ts'), 'utf8');
  const expected = [...cases.matchAll(/^ {4}name: (['"])(.*)\1,\n {4}because:\s+(['"])(.*)\3,$/gm)].map(
    ([, , name, , because]) => `${name}: ${because}.`.replaceAll(/[\\`]/g, '').toLowerCase(),
  );
  assert.equal(expected.length, cases.match(/^ {4}because:/gm)?.length);
  const section = guidePage('migration.md').section('Deliberate differences in one process');
  const told = [...section.matchAll(/^- (.*)$/gm)].map(([, item]) => item.replaceAll('`', '').toLowerCase());
  assert.deepEqual(told, expected);
});
