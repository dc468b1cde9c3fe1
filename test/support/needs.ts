/**
 * What a test needs beyond Node: tools of the system, the rights of root, another user who can read the project. A test
 * declares it, `test('…', needs('prometheus'), …)`, and is reported as skipped, with the reason, on a machine that lacks
 * it. With CI=true nothing is skipped: such a test then fails.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Tool {
  /** Programs that have to be on the PATH. */
  readonly commands: readonly string[];
  /** Debian's packages that have them. */
  readonly packages: readonly string[];
  /** What the tests do with it, for the line that says why a package is installed. */
  readonly why: string;
}

export const TOOLS = {
  prometheus: {
    commands: ['prometheus', 'promtool'],
    packages: ['prometheus'],
    why: 'a real Prometheus scrapes the tests, and promtool checks what they print',
  },
  'prometheus 3': {
    commands: [],
    packages: [],
    why: 'what only Prometheus 3 asks for is tested with a real one',
  },
  'python client': {
    commands: ['python3'],
    packages: ['python3-prometheus-client'],
    why: 'the real client_python writes the files that the tests read, and tells what they hold',
  },
  pushgateway: {
    commands: ['prometheus-pushgateway'],
    packages: ['prometheus-pushgateway'],
    why: 'a real Pushgateway takes what jobs push',
  },
  'node exporter': {
    commands: ['prometheus-node-exporter'],
    packages: ['prometheus-node-exporter'],
    why: 'a real node exporter serves the textfiles of jobs',
  },
  redis: {
    commands: ['redis-server'],
    packages: ['redis-server'],
    why: 'BullMQ of an example keeps its jobs in Redis',
  },
  chromium: {
    commands: ['chromium'],
    packages: ['chromium', 'fonts-dejavu-core'],
    why: 'a real browser opens the status page',
  },
  openssl: { commands: ['openssl'], packages: ['openssl'], why: 'certificates for TLS' },
  ip: { commands: ['ip'], packages: ['iproute2'], why: 'network namespaces stand for hosts' },
  namespaces: {
    commands: ['unshare', 'mount', 'script'],
    packages: ['util-linux', 'mount', 'bsdutils'],
    why: 'namespaces and mounts stand for containers and full disks',
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;
/** `root`: mounts, namespaces, memory groups. `other users`: programs of the project that run under another uid. */
export type Need = ToolName | 'root' | 'other users';

const ROOT = join(__dirname, '..', '..', '..');

/** A uid that owns nothing of the project. */
const STRANGER = 1000;

/** Options of `test` or `suite`: nothing where this machine has it all, else the reason for skipping. */
export function needs(...wanted: readonly Need[]): { readonly skip?: string } {
  if (process.env.CI === 'true') return {};
  const missing = wanted.filter((need) => !isHere(need));
  return missing.length === 0 ? {} : { skip: `needs ${missing.join(', ')}` };
}

/** Whether tests with these needs run: for the hooks of a file, which run all the same. */
export function has(...wanted: readonly Need[]): boolean {
  return needs(...wanted).skip === undefined;
}

/** The path of a program on the PATH; undefined where there is none. */
export function commandPath(command: string): string | undefined {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(dir, command);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here
    }
  }
  return undefined;
}

export function missingTools(): ToolName[] {
  return (Object.keys(TOOLS) as ToolName[]).filter((name) => !isHere(name));
}

/**
 * Where Prometheus 3 is unpacked: `usr/bin/prometheus` is the server, `usr/lib/python3/dist-packages` has the Python client
 * of the same suite. PROMETHEUS3 names another place.
 */
export function prometheus3(): string {
  return process.env.PROMETHEUS3 ?? join(ROOT, 'node_modules', '.prometheus-3');
}

/** Whether packages can be installed: as root, on Debian or what is made of it. */
export function canInstall(): boolean {
  return isRoot() && commandPath('apt-get') !== undefined && /^ID(_LIKE)?=.*debian/m.test(contents('/etc/os-release'));
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

const known = new Map<Need, boolean>();

function isHere(need: Need): boolean {
  let here = known.get(need);
  if (here === undefined) {
    if (need === 'root') here = isRoot();
    else if (need === 'other users') here = isRoot() && othersCanRun(__filename);
    else if (need === 'python client') here = hasPythonClient();
    else if (need === 'prometheus 3') here = existsSync(join(prometheus3(), 'usr/bin/prometheus'));
    else here = TOOLS[need].commands.every((command) => commandPath(command) !== undefined);
    known.set(need, here);
  }
  return here;
}

/** Whether a program of another user can load a file: asked of such a program, since every folder above has a say. */
export function othersCanRun(file: string): boolean {
  const program = `require('node:fs').readFileSync(${JSON.stringify(file)})`;
  return spawnSync(process.execPath, ['-e', program], { uid: STRANGER, gid: STRANGER, cwd: '/' }).status === 0;
}

/** Debian's, which finds Debian's packages; one that is earlier on the PATH does not. */
export const PYTHON = '/usr/bin/python3';

function hasPythonClient(): boolean {
  return spawnSync(PYTHON, ['-c', 'import prometheus_client']).status === 0;
}

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
