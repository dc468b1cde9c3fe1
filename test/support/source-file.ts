import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

export interface Import {
  /** Of the source, such as `src/model/naming.ts`. */
  readonly path: string;
  /** Nothing of it is left in the compiled file. */
  readonly isTypeOnly: boolean;
}

/** A TypeScript source as text: what it imports, and in which room of its top folder it is. */
export class SourceFile {
  readonly imports: readonly Import[];
  /** Names of the packages that it loads for more than their types; node's own are left out. */
  readonly packages: readonly string[];

  /** @param path from the project's root, with slashes */
  constructor(
    readonly path: string,
    readonly text: string,
  ) {
    const found = [...text.matchAll(IMPORT)].map(({ groups = {} }) => ({
      specifier: groups.from ?? groups.bare ?? groups.call,
      isTypeOnly: groups.clause !== undefined && TYPES_ONLY.test(groups.clause),
    }));
    this.imports = found
      .filter(({ specifier }) => /^\..*\.js$/.test(specifier))
      .map(({ specifier, isTypeOnly }) => ({
        path: posix.join(dirname(path), specifier).replace(/\.js$/, '.ts'),
        isTypeOnly,
      }));
    this.packages = found
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && !/^(\.|node:)/.test(specifier))
      .map(({ specifier }) => (/^(@[^/]+\/)?[^/]+/.exec(specifier) as RegExpExecArray)[0]);
  }

  /** The folder below the top one, or for a file that lies in the top one its own name. */
  get room(): string {
    return this.path.split('/')[1].replace(/\.\w+$/, '');
  }

  get lines(): number {
    return this.text.split('\n').length - 1;
  }
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')` and `require('x')`. */
const IMPORT =
  /^(?:import|export)(?<clause>\b[^;'=]*?)\bfrom '(?<from>[^']+)'|^import '(?<bare>[^']+)'|\b(?:import|require)\('(?<call>[^']+)'\)/gm;

/** `import type { A }`, and `import { type A, type B }`. */
const TYPES_ONLY = /^ type\b|^ \{(\s*type [^,}]+,?)+\s*\}/;

/** All sources of a top folder, in order of their paths. */
export function sourceFiles(root: string, folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .toSorted()
    .map((path) => new SourceFile(path, readFileSync(join(root, path), 'utf8')));
}
