/** Installs the tools that the tests need, where that is possible: as root on Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { missingTools, prometheus3, TOOLS } from './needs.js';

/** invoke-rc.d(8) asks this program whether a package may start its service; 101 forbids it. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';
const DEBIAN = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

/** Installs missing Debian packages without starting their services, which would take ports that tests use. */
export function installTools(): void {
  const missing = missingTools().filter((name) => name !== 'prometheus 3');
  if (missing.length > 0) {
    const packages = missing.flatMap((name) => TOOLS[name].packages);
    console.log(`installing ${packages.join(' ')}: ${missing.map((name) => TOOLS[name].why).join('; ')}`);
    withoutServices(() => {
      apt('update');
      apt('-o', 'Dpkg::Use-Pty=0', 'install', '-y', '--no-install-recommends', ...packages);
    });
  }
  if (missingTools().includes('prometheus 3')) unpackPrometheus3();
}

function withoutServices(install: () => void): void {
  const kept = `${SERVICE_POLICY}.before-tests`;
  const hadPolicy = existsSync(SERVICE_POLICY);
  if (hadPolicy) renameSync(SERVICE_POLICY, kept);
  writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    rmSync(SERVICE_POLICY);
    if (hadPolicy) renameSync(kept, SERVICE_POLICY);
  }
}

/**
 * Unpacks Prometheus 3 and the newer Python client from Debian unstable beside the packages of the system, without
 * installing them. Their binaries run on Debian 12 without changes.
 */
function unpackPrometheus3(): void {
  const place = prometheus3();
  console.log(`unpacking Prometheus 3 below ${place}: what only its scrapes have is tested with a real one`);
  const apart = `${place}.unpacking-${process.pid}`;
  const [lists, debs] = [join(apart, 'lists'), join(apart, 'debs')];
  for (const dir of [join(lists, 'partial'), debs]) mkdirSync(dir, { recursive: true });
  try {
    const sources = join(apart, 'sources.list');
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(sources, `deb [signed-by=${keyring}] ${debianMirror()} unstable main\n`);
    const options = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::Lists=${lists}`,
      'Dir::Cache::pkgcache=',
      'Dir::Cache::srcpkgcache=',
      'APT::Get::List-Cleanup=0',
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    apt(...options, 'update');
    run('apt-get', ['-qq', ...options, 'download', 'prometheus', 'python3-prometheus-client'], debs);
    const root = join(apart, 'root');
    for (const deb of readdirSync(debs)) run('dpkg', ['-x', join(debs, deb), root], debs);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(dirname(place), { recursive: true });
    renameSync(root, place);
  } finally {
    rmSync(apart, { recursive: true, force: true });
  }
}

/** Returns the Debian mirror of this machine. @throws {Error} if apt has none */
function debianMirror(): string {
  const { stdout } = spawnSync('sh', ['-c', 'cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null'], {
    encoding: 'utf8',
  });
  const mirror = /^(?!#).*?(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(stdout)?.[1];
  if (mirror === undefined) throw new Error('no Debian mirror is among the sources of apt');
  return mirror;
}

function apt(...args: string[]): void {
  run('apt-get', ['-qq', '-o', 'Acquire::Retries=3', ...args]);
}

function run(command: string, args: readonly string[], cwd = '/'): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd, env: DEBIAN, encoding: 'utf8', stdio: 'pipe' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
