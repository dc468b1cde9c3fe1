/** The code of README and the guide: it compiles, its commands exist, its comments are true. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { readWebConfig } from '../../src/serve/web-config/web-config.js';
import { compile } from '../support/compilation.js';
import { DIST } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { type CodeBlock, codeSpans, guidePage, PAGES } from './page.js';
import { OPTION_TABLES } from './option-tables.js';
import { needs } from '../support/needs.js';

const ROOT = join(DIST, '..');
const CLI = join(DIST, 'src', 'cli', 'main.js');

const BLOCKS = PAGES.flatMap((page) => page.blocks());
const ofLanguage = (...languages: string[]): CodeBlock[] =>
  BLOCKS.filter(({ language }) => languages.includes(language));

/** What blocks use of an application around them. */
const PRELUDE = `
  declare const app: any;
  declare const fastifyMetrics: any;
  declare const redis: { llen(key: string): Promise<number> };
`;

/** The comments of a block are about its calls. */
const LENIENT = {
  moduleDetection: 'force',
  // parameters in plain JavaScript have no types
  noImplicitAny: false,
  // an `if` against an undefined that cannot be there would teach readers nothing
  strictNullChecks: false,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
};

/** The types of node:cluster know its default export only, where `require` gives what that is. */
function checked({ text }: CodeBlock): string {
  return text.replaceAll("require('node:cluster')", "require('node:cluster').default");
}

/** Such as `guide-metrics.md-12.mjs`: by what it is written as. */
function fileName({ language, text, place }: CodeBlock): string {
  const isModule = /^import\b/m.test(text);
  const extension = language === 'ts' ? 'mts' : isModule ? 'mjs' : 'cjs';
  return `${place.replaceAll(/[/:]/g, '-')}.${extension}`;
}

test('every JavaScript and TypeScript block type-checks, as it stands', (t) => {
  const blocks = ofLanguage('js', 'ts');
  assert.ok(blocks.length >= 20, `${blocks.length} blocks were found`);
  const files = Object.fromEntries(blocks.map((block) => [fileName(block), checked(block)]));
  const mistake = "const { Counter } = require('prom-multiproc');\nnew Counter({ nam: 'x' });";
  const { complaints: found } = compile(t, { 'prelude.d.ts': PRELUDE, ...files, 'mistake.cjs': mistake }, LENIENT);
  assert.match(found, /^mistake\.cjs\(2,/, 'a mistake would be found');
  assert.deepEqual(
    found.split('\n').filter((line) => line !== '' && !line.startsWith('mistake.cjs') && !line.startsWith(' ')),
    [],
  );
});

test('every table of options has the members of its interface, no more and no fewer', (t) => {
  const lines = OPTION_TABLES.map(({ page, heading, type, isPart }, at) => {
    const names = guidePage(page)
      .table('option', heading)
      .flatMap(([cell]) => codeSpans(cell));
    // a member without a row is missing here, a row without a member is one too many
    const record = `Record<keyof (${type}), true>`;
    const members = names.map((name) => `${name}: true`).join(', ');
    return `export const table${at}: ${isPart === true ? `Partial<${record}>` : record} = { ${members} };`;
  });
  const header = "import type * as prom from 'prom-multiproc';";
  const { complaints: found } = compile(t, { 'tables.mts': [header, ...lines].join('\n') }, LENIENT);
  const explained = found.replaceAll(/^tables\.mts\((\d+),\d+\)/gm, (_all, line: string) => {
    const { page, heading } = OPTION_TABLES[Number(line) - 2];
    return `${page}, «${heading}»`;
  });
  assert.equal(explained, '');
});

test('every command of prom-multiproc that is shown exists, with its options', async () => {
  const shown = PAGES.flatMap(({ name, text }) =>
    [...text.matchAll(/(?:^|[`\s])prom-multiproc (?=[a-z-]+\b)([a-z-]+)([^`\n|]*)/gm)]
      .filter(([all, , rest]) => all.startsWith('`') || /--/.test(rest))
      .map(([, command, rest]) => ({ name, command, flags: rest.match(/--[\w.-]+/g) ?? [] })),
  );
  assert.ok(shown.length >= 10, `${shown.length} commands were found`);
  const table = guidePage('operations.md').table('command');
  const help = await optionsOf(table.flatMap(([cell]) => codeSpans(cell).map((code) => code.split(' ')[1])));
  for (const { name, command, flags } of shown) {
    assert.ok(command in help, `${name}: prom-multiproc ${command}`);
    for (const flag of flags) assert.ok(help[command].includes(flag), `${name}: prom-multiproc ${command} ${flag}`);
  }
  const [, inJson] = /^(.*) print JSON with `--json`/m.exec(guidePage('operations.md').text)!;
  const withJson = Object.keys(help).filter((command) => help[command].includes('--json'));
  assert.deepEqual(codeSpans(inJson).toSorted(), withJson.toSorted());
  for (const [cell, text] of table) {
    const command = codeSpans(cell)[0].split(' ')[1];
    const told = [...text.matchAll(/--[\w.-]+/g)].map(([flag]) => flag).filter((flag) => flag !== '--import');
    const own = help[command].filter((flag) => !['--dir', '--json', '--help'].includes(flag));
    assert.deepEqual(told.toSorted(), own.toSorted(), command);
  }
});

/** Of each command, as `--help` of the real program has them. */
async function optionsOf(commands: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const program = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [CLI, ...args, '--help'])).stdout;
  const section = /^Commands:\n([^]*)/m.exec(await program())![1];
  const all = [...section.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name).filter((name) => name !== 'help');
  assert.deepEqual([...commands].toSorted(), all.toSorted(), 'the table of commands');
  const options = await Promise.all(
    all.map(async (command) => {
      const flags = [...(await program(command)).matchAll(/^ {2}(?:-\w, )?(--[\w.-]+)/gm)].map(([, flag]) => flag);
      return [command, flags] as const;
    }),
  );
  return Object.fromEntries(options);
}

test('every npm script that is shown is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const shown = PAGES.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script));
  assert.ok(shown.length > 0);
  for (const script of shown) assert.ok(Object.hasOwn(scripts, script), script);
});

test('every query is one that Prometheus takes', needs('prometheus'), (t) => {
  const queries = ofLanguage('promql').flatMap(({ text }) => text.trim().split('\n'));
  const inTables = guidePage('metrics.md')
    .table('what you want to know')
    .flatMap(([, , cell]) => codeSpans(cell));
  const rules = [...queries, ...inTables].map((expr, at) => ({ record: `query:${at}`, expr }));
  assert.ok(rules.length >= 8, `${rules.length} queries were found`);
  const file = join(withTempDir(t), 'queries.json');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'guide', rules }] }));
  const { stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  assert.match(stdout, new RegExp(`${rules.length} rules found`), stderr);
});

test('every YAML block can be read, and the web configuration is one', async () => {
  const documents = ofLanguage('yaml').map(({ text }) => ({ text, value: parseYaml(text) as object }));
  const config = documents.find(({ value }) => 'basic_auth_users' in value)!;
  // without the files of TLS, which are the reader's own
  const withoutTls = config.text.replace(/^tls_server_config:\n( .*\n)+/m, '');
  const { users, rateLimit } = await readWebConfig('web.yml', async () => withoutTls);
  assert.deepEqual([...users.keys()], ['prometheus']);
  assert.equal(rateLimit?.burst, 5);
});

test('the types by example, run, give the samples that their comments say', (t) => {
  const [{ text }] = guidePage('metrics.md').blocks('Which type');
  const samples = [...text.matchAll(/ \/\/ (.*\{.*\} \d.*)$/gm)].flatMap(([, expected]) =>
    expected.split(/, (?=\w+\{)/),
  );
  assert.equal(samples.length, 3);
  const script = `${text}\nrequire('prom-multiproc').register.metrics().then((text) => process.stdout.write(text));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: withTempDir(t) },
  });
  assert.equal(status, 0, stderr);
  for (const sample of samples) assert.ok(stdout.split('\n').includes(sample), `${sample} is not in\n${stdout}`);
});
