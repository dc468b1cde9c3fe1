import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

export interface Import {
  /** The path of the imported source, such as `src/model/naming.ts`. */
  readonly path: string;
  /** The import is removed by the compiler. */
  readonly isTypeOnly: boolean;
}

/** The text of a TypeScript source: its imports, and its room within the top folder. */
export class SourceFile {
  readonly imports: readonly Import[];
  /** Names of packages that it imports, without type-only imports and modules of Node.js. */
  readonly packages: readonly string[];

  /** @param path relative to the root of the project, with slashes */
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

  /** The folder below the top folder; for a file in the top folder, its name without extension. */
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

/** Returns all sources of a top folder, sorted by path. */
export function sourceFiles(root: string, folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .toSorted()
    .map((path) => new SourceFile(path, readFileSync(join(root, path), 'utf8')));
}
