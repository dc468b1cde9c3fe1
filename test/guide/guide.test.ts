import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../../src/storage/settings.js';
import { DIST } from '../support/program.js';

const GUIDE = join(DIST, '..', 'examples', 'guide');
const page = (name: string): string => readFileSync(join(GUIDE, name), 'utf8');

test('every link of the guide leads to a file that is there', () => {
  for (const name of readdirSync(GUIDE)) {
    for (const [, target] of page(name).matchAll(/\]\(([^)#]+)\)/g)) {
      if (!target.startsWith('https:')) assert.ok(existsSync(join(GUIDE, target)), `${name}: ${target}`);
    }
  }
});

test('the table of settings has every environment variable, with its option', () => {
  const text = page('operations.md');
  for (const [option, variable] of Object.entries(SETTINGS)) {
    assert.match(text, new RegExp(`\\| \`${variable}\` +\\| \`${option}\` `));
  }
});

test('the index of the examples has every one', () => {
  const examples = readdirSync(join(GUIDE, '..')).filter((name) => name !== 'guide' && name !== 'pictures');
  for (const name of examples) assert.ok(page('README.md').includes(`](../${name})`), name);
});
