import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { pm2Directory } from 'prom-multiproc';
import { chooseOwn } from '../../src/directory/choose.js';

const SHOP = { name: 'shop', script: '/srv/shop/app.js' };

/** What an instance of the app above sees. */
const INSTANCE = { pm_id: '3', name: 'shop', namespace: 'default', pm_exec_path: '/srv/shop/app.js' };

function withPm2Home(t: TestContext, home: string | undefined): void {
  const before = process.env.PM2_HOME;
  const set = (value: string | undefined): void => {
    if (value === undefined) delete process.env.PM2_HOME;
    else process.env.PM2_HOME = value;
  };
  set(home);
  t.after(() => set(before));
}

test("it is where the app's instances count", (t) => {
  for (const PM2_HOME of ['/srv/pm2', '/srv/pm2/', '/srv/x/../pm2']) {
    withPm2Home(t, PM2_HOME);
    assert.equal(pm2Directory(SHOP), chooseOwn({ ...INSTANCE, PM2_HOME: '/srv/pm2' })?.dir);
  }
});

test("without PM2_HOME it is the app of PM2's daemon in the home directory", (t) => {
  withPm2Home(t, undefined);
  assert.equal(pm2Directory(SHOP), chooseOwn(INSTANCE)?.dir);
});

test('the script is relative to cwd, as PM2 has it', () => {
  assert.equal(pm2Directory({ name: 'shop', script: './app.js', cwd: '/srv/shop' }), pm2Directory(SHOP));
  assert.equal(
    pm2Directory({ name: 'shop', script: 'app.js' }),
    pm2Directory({ ...SHOP, script: `${process.cwd()}/app.js` }),
  );
});

test('apps of another name, namespace or script are elsewhere', () => {
  const apps = [SHOP, { ...SHOP, name: 'b' }, { ...SHOP, namespace: 'b' }, { ...SHOP, script: '/srv/shop/b.js' }];
  assert.equal(new Set(apps.map(pm2Directory)).size, apps.length);
  assert.equal(pm2Directory({ ...SHOP, namespace: 'default' }), pm2Directory(SHOP));
});

test('options that do not tell the directory are refused', () => {
  const refused = (app: unknown, message: RegExp): void =>
    assert.throws(() => pm2Directory(app as never), { code: 'ERR_INVALID_ARGUMENT', message });
  refused(undefined, /the name undefined/);
  refused({ name: 'shop' }, /the script undefined/);
  refused({ name: '', script: 'app.js' }, /the name ""/);
  refused({ ...SHOP, user: 'www-data' }, /runs as the user "www-data": .* PROMETHEUS_MULTIPROC_DIR/);
  refused({ ...SHOP, uid: 33 }, /runs as the user 33/);
  assert.equal(pm2Directory({ ...SHOP, uid: process.geteuid?.() }), pm2Directory(SHOP), 'it is its own user');
});
