/**
 * Requirements of a test beyond Node.js: tools of the system, the rights of root, another user who can read the project. A
 * test declares them, `test('…', needs('prometheus'), …)`, and is reported as skipped, with the reason, on a machine that
 * lacks one. With CI=true nothing is skipped, and such a test fails.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Tool {
  /** Programs that must be on the PATH. */
  readonly commands: readonly string[];
  /** A module of Debian's Python. */
  readonly module?: string;
  /** Debian packages that contain them. */
  readonly packages: readonly string[];
  /** The purpose of the tool in tests, which is printed when a package is installed. */
  readonly why: string;
}

export const TOOLS = {
  prometheus: {
    commands: ['prometheus', 'promtool'],
    packages: ['prometheus'],
    why: 'a real Prometheus scrapes the tests, and promtool checks their output',
  },
  'prometheus 3': {
    commands: [],
    packages: [],
    why: 'a real Prometheus 3 makes the requests that older ones do not make',
  },
  'python client': {
    commands: ['python3'],
    module: 'prometheus_client',
    packages: ['python3-prometheus-client'],
    why: 'the real client_python writes the files that the tests read, and reads their values',
  },
  gunicorn: {
    commands: [],
    module: 'gunicorn',
    packages: ['python3-gunicorn'],
    why: 'gunicorn runs with the configuration of the guide',
  },
  uvicorn: {
    commands: [],
    module: 'uvicorn',
    packages: ['python3-uvicorn'],
    why: 'uvicorn starts workers as the guide has it',
  },
  django: { commands: [], module: 'django', packages: ['python3-django'], why: 'Django counts as the guide has it' },
  celery: {
    commands: [],
    module: 'celery',
    packages: ['python3-celery'],
    why: 'Celery forks workers as the guide has it',
  },
  pushgateway: {
    commands: ['prometheus-pushgateway'],
    packages: ['prometheus-pushgateway'],
    why: 'a real Pushgateway receives the pushes of jobs',
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

/** A uid that owns no file of the project. */
const STRANGER = 1000;

/** Returns options for `test` or `suite`: empty if this machine meets all needs, otherwise the reason for skipping. */
export function needs(...wanted: readonly Need[]): { readonly skip?: string } {
  if (process.env.CI === 'true') return {};
  const missing = wanted.filter((need) => !isHere(need));
  return missing.length === 0 ? {} : { skip: `needs ${missing.join(', ')}` };
}

/** Whether tests with these needs run. For the hooks of a file, which run even if its tests are skipped. */
export function has(...wanted: readonly Need[]): boolean {
  return needs(...wanted).skip === undefined;
}

/** Returns the path of a program on the PATH; undefined if there is none. */
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
 * Returns the directory of Prometheus 3: `usr/bin/prometheus` is the server, and `usr/lib/python3/dist-packages` has the
 * Python client of the same Debian suite. The variable PROMETHEUS3 overrides it.
 */
export function prometheus3(): string {
  return process.env.PROMETHEUS3 ?? join(ROOT, 'node_modules', '.prometheus-3');
}

/** Whether packages can be installed: as root, on Debian or a system derived from it. */
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
    else if (need === 'prometheus 3') here = existsSync(join(prometheus3(), 'usr/bin/prometheus'));
    else here = isInstalled(TOOLS[need]);
    known.set(need, here);
  }
  return here;
}

function isInstalled({ commands, module }: Tool): boolean {
  if (!commands.every((command) => commandPath(command) !== undefined)) return false;
  return module === undefined || spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0;
}

/**
 * Whether a program of another user can load a file. Such a program is started to find out, since the mode of every parent
 * folder matters.
 */
export function othersCanRun(file: string): boolean {
  const program = `require('node:fs').readFileSync(${JSON.stringify(file)})`;
  return spawnSync(process.execPath, ['-e', program], { uid: STRANGER, gid: STRANGER, cwd: '/' }).status === 0;
}

/** The Python of Debian, which finds Debian's packages; another one earlier on the PATH does not. */
export const PYTHON = '/usr/bin/python3';

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
