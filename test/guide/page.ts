/** README and the pages of the guide, as the tests read them: code blocks, tables, sections. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DIST } from '../support/program.js';

const ROOT = join(DIST, '..');
export const GUIDE = join(ROOT, 'examples', 'guide');

export interface CodeBlock {
  /** Such as `js`. */
  readonly language: string;
  readonly text: string;
  /** Page and line, for messages. */
  readonly place: string;
}

export class Page {
  readonly text: string;

  constructor(readonly path: string) {
    this.text = readFileSync(path, 'utf8');
  }

  /** `README.md` and `guide/README.md` are two. */
  get name(): string {
    return this.path.startsWith(GUIDE) ? `guide/${basename(this.path)}` : basename(this.path);
  }

  /** Those of one section, or of the whole page. */
  blocks(heading?: string): CodeBlock[] {
    const text = heading === undefined ? this.text : this.section(heading);
    const before = this.text.indexOf(text);
    return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(({ 1: language, 2: code, index }) => {
      const line = this.text.slice(0, before + index).split('\n').length;
      return { language, text: code, place: `${this.name}:${line}` };
    });
  }

  /** From a heading of the second level to the next. @throws where there is none */
  section(heading: string): string {
    const found = this.text.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
    if (found === undefined) throw new Error(`${this.name} has no section «${heading}»`);
    return found;
  }

  /** The cells of a table's rows, without its head; the table is the one whose head begins with `firstCell`. */
  table(firstCell: string, heading?: string): string[][] {
    const text = heading === undefined ? this.text : this.section(heading);
    const tables = text.match(/(^\|.*\|\n)+/gm) ?? [];
    const rows = tables.map((table) => table.trim().split('\n').map(cellsOf)).find(([head]) => head[0] === firstCell);
    if (rows === undefined) throw new Error(`${this.name} has no table «${firstCell}»`);
    return rows.slice(2);
  }

  /** What links lead to: as on GitHub, lower case, without punctuation, spaces as hyphens. */
  get anchors(): string[] {
    const headings = [...this.text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    return headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
  }
}

function cellsOf(row: string): string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The texts in backticks. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
}

export const README = new Page(join(ROOT, 'README.md'));

/** README first. */
export const PAGES: readonly Page[] = [
  README,
  ...readdirSync(GUIDE)
    .filter((name) => name.endsWith('.md'))
    .map((name) => new Page(join(GUIDE, name))),
];

export function guidePage(name: string): Page {
  return new Page(join(GUIDE, name));
}
