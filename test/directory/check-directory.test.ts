import assert from 'node:assert/strict';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDirectory, existingTarget } from '../../src/directory/check-directory.js';
import type { ChosenDirectory } from '../../src/directory/choose.js';
import { needs } from '../support/needs.js';
import { withTempDir } from '../support/temp-dir.js';

const REFUSED = { code: 'ERR_DIRECTORY_REFUSED' };

function named(dir: string): ChosenDirectory {
  return { dir, source: 'variable', derived: false };
}

/** A directory of this user with a target, and a link to it. */
function linkIn(base: string, name: string, target = 'target'): { parent: string; link: string; target: string } {
  const parent = join(base, name);
  mkdirSync(join(parent, 'target'), { recursive: true });
  const link = join(parent, 'link');
  symlinkSync(target, link);
  return { parent, link, target: join(parent, 'target') };
}

test('a link of root or this user, in directories that only these may write to, is followed', needs('root'), (t) => {
  const base = withTempDir(t);
  const { link, target, parent } = linkIn(base, 'plain');
  assert.deepEqual(checkDirectory(named(link)), { dir: target, warnings: [] });
  assert.equal(existingTarget(named(link)), target);
  // as with systemd: the target is below a directory that only root may enter
  const state = linkIn(base, 'state', join(base, 'private', 'app'));
  mkdirSync(join(base, 'private', 'app'), { recursive: true });
  chmodSync(join(base, 'private'), 0o700);
  assert.equal(checkDirectory(named(state.link)).dir, join(base, 'private', 'app'));
  symlinkSync('link', join(parent, 'link-to-link'));
  assert.equal(checkDirectory(named(join(parent, 'link-to-link'))).dir, target);
  // only its owner may move an entry of a sticky directory
  chmodSync(parent, 0o1777);
  assert.equal(checkDirectory(named(link)).dir, target);
});

test('a link that others could change is refused, with the reason', needs('root'), (t) => {
  const base = withTempDir(t);
  const refusedFor = (name: string, arrange: (parent: string, link: string) => void): string => {
    const { parent, link } = linkIn(base, name);
    arrange(parent, link);
    let message = '';
    assert.throws(
      () => checkDirectory(named(link)),
      (error: Error & { code: string }) => {
        message = error.message;
        return error.code === REFUSED.code;
      },
      name,
    );
    assert.throws(() => existingTarget(named(link)), REFUSED);
    return message;
  };
  assert.match(
    refusedFor('theirs', (_, link) => lchownSync(link, 1000, 1000)),
    /it belongs to uid 1000: name its target/,
  );
  assert.match(
    refusedFor('open', (parent) => chmodSync(parent, 0o777)),
    /every user may write to ".*open"/,
  );
  assert.match(
    refusedFor('shared', (parent) => [chownSync(parent, 0, 50), chmodSync(parent, 0o770)]),
    /the group 50 may/,
  );
  assert.match(
    refusedFor('foreign', (parent) => chownSync(parent, 1000, 1000)),
    /".*foreign" belongs to uid 1000/,
  );
  // the same two levels above
  const { parent } = linkIn(base, 'above/below');
  chmodSync(join(base, 'above'), 0o777);
  assert.throws(() => checkDirectory(named(join(parent, 'link'))), {
    ...REFUSED,
    message: /every user may write to ".*above"/,
  });
});

test('a link to nothing, to a file and to itself is refused', (t) => {
  const base = withTempDir(t);
  writeFileSync(join(base, 'file'), '');
  for (const [target, reason] of [
    ['nowhere', /does not exist/],
    ['file', /is not a directory/],
    ['to-to', /more than 40 symbolic links/],
  ] as const) {
    symlinkSync(target, join(base, `to-${target.slice(0, 2)}`));
    assert.throws(() => checkDirectory(named(join(base, `to-${target.slice(0, 2)}`))), { ...REFUSED, message: reason });
  }
});

test('for a reader a directory that does not exist yet is undefined, and not refused', (t) => {
  const dir = join(withTempDir(t), 'later');
  assert.equal(existingTarget(named(dir)), undefined);
  assert.throws(() => checkDirectory(named(dir)), { code: 'ENOENT' });
});
