import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BcryptCheck } from '../../../src/serve/web-config/bcrypt-check.js';
import { afterTest } from '../../support/after-test.js';
import { forkProgram } from '../../support/forked-program.js';
import { COLON_HASH, SECRET_HASH } from './web-config-file.js';

for (const [where, check] of [
  ['in a thread', () => new BcryptCheck()],
  ['inline, where the thread has no file', () => new BcryptCheck('/nowhere/bcrypt-thread.js')],
] as const) {
  test(`passwords are compared ${where}`, async (t) => {
    const bcrypt = check();
    afterTest(t, () => bcrypt.close());
    assert.equal(await bcrypt.compare('secret', SECRET_HASH), true);
    assert.equal(await bcrypt.compare('wrong', SECRET_HASH), false);
    assert.equal(await bcrypt.compare('schön:gut', COLON_HASH), true);
    for (const spelling of ['$2a$', '$2y$']) {
      assert.equal(await bcrypt.compare('secret', SECRET_HASH.replace('$2b$', spelling)), true);
    }
  });
}

test('a hundred comparisons may wait, and the next is told that they do', async (t) => {
  const bcrypt = new BcryptCheck();
  afterTest(t, () => bcrypt.close());
  const waiting = Array.from({ length: 100 }, (_, index) =>
    bcrypt.compare(index === 99 ? 'secret' : 'wrong', SECRET_HASH),
  );
  assert.equal(bcrypt.compare('secret', SECRET_HASH), undefined);
  const verdicts = await Promise.all(waiting.map(async (verdict) => verdict));
  assert.deepEqual([verdicts.filter(Boolean).length, verdicts[99]], [1, true]);
  assert.equal(await bcrypt.compare('secret', SECRET_HASH), true);
});

test('a user waits for one of a hundred guesses of unknown names, and not for all of them', async (t) => {
  const bcrypt = new BcryptCheck();
  afterTest(t, () => bcrypt.close());
  let guessed = 0;
  const guesses = Array.from({ length: 100 }, async () => {
    await bcrypt.compare('wrong', SECRET_HASH);
    guessed++;
  });
  assert.equal(await bcrypt.compare('secret', SECRET_HASH, 'alice'), true);
  assert.ok(guessed <= 3, `${guessed} guesses came first`);
  await Promise.all(guesses);
});

test('the idle thread does not keep the process alive', async (t) => {
  const worker = forkProgram(t, 'serve/programs/bcrypt-user');
  assert.equal(await worker.ask('compare'), true);
  worker.process.disconnect();
  assert.equal(await worker.ended, 0);
});
