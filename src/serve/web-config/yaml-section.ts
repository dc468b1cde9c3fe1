/**
 * A YAML mapping that is read key by key; each value knows its line. Every scalar is read as text (YAML's 'failsafe' schema),
 * so that a user can be called `no` or `007`. The key decides whether its value is a number or a boolean, as in the toolkit.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { WebConfigError, type ConfigPlace } from './web-config-error.js';

/** The words of YAML 1.1, which Go's reader accepts. */
const TRUE = /^(?:y|yes|true|on)$/i;
const FALSE = /^(?:n|no|false|off)$/i;
const NULL = /^(?:~|null)?$/i;

/** The file that a value comes from, for the place in error messages. */
interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** One value of the file. */
export class YamlEntry {
  readonly place: ConfigPlace;
  readonly #node: Node | undefined;

  constructor(
    private readonly source: Source,
    node: Node | null | undefined,
    key: string,
    line: number,
  ) {
    this.place = { file: source.file, line, key };
    this.#node = (isAlias(node) ? node.resolve(source.document) : node) ?? undefined;
    // A missing value would count as an absent key, and without its key a protection is off.
    if (isAlias(node) && this.#node === undefined) this.refuse('refers to an anchor that is not there');
  }

  /** @throws WebConfigError that names this place. `problem` must not quote a secret. */
  refuse(problem: string, cause?: unknown): never {
    throw new WebConfigError(this.place, problem, { cause });
  }

  /** Whether the value is empty, `~` or `null`, which counts as if the key were absent. */
  get isNull(): boolean {
    if (this.#node === undefined) return true;
    return isScalar(this.#node) && this.#node.type === 'PLAIN' && NULL.test(String(this.#node.value));
  }

  text(): string {
    if (!isScalar(this.#node) || typeof this.#node.value !== 'string') this.refuse('must be a single text');
    return this.#node.value;
  }

  boolean(): boolean {
    const written = this.#plain();
    if (TRUE.test(written)) return true;
    if (FALSE.test(written)) return false;
    return this.refuse(`${JSON.stringify(written)} is neither true nor false`);
  }

  wholeNumber(least: number): number {
    const written = this.#plain();
    const value = Number(written);
    if (!/^\d{1,15}$/.test(written) || value < least) {
      this.refuse(`${JSON.stringify(written)} is not a whole number of ${least} or more`);
    }
    return value;
  }

  list(): YamlEntry[] {
    if (!isSeq(this.#node)) this.refuse('must be a list');
    return this.#node.items.map((item, index) => {
      const node = item as Node | null;
      return new YamlEntry(
        this.source,
        node,
        `${this.place.key}[${index}]`,
        lineOf(this.source, node) ?? this.place.line!,
      );
    });
  }

  section(): YamlSection {
    return new YamlSection(this.source, this.#node, this.place);
  }

  #plain(): string {
    if (isScalar(this.#node) && this.#node.type !== 'PLAIN') this.refuse('must be written without quotes');
    return this.text();
  }
}

/** A mapping of the file. The YAML parser has refused duplicate keys already. */
export class YamlSection {
  readonly entries = new Map<string, YamlEntry>();

  constructor(
    source: Source,
    node: Node | null | undefined,
    readonly place: ConfigPlace,
  ) {
    if (!isMap(node)) throw new WebConfigError(place, 'must be a mapping, lines of "key: value"');
    for (const { key, value } of node.items) {
      const line = lineOf(source, key as Node) ?? place.line ?? 1;
      if (!isScalar(key) || typeof key.value !== 'string') {
        throw new WebConfigError({ ...place, line }, 'a key must be a single text');
      }
      const path = place.key === undefined ? key.value : `${place.key}.${key.value}`;
      const entry = new YamlEntry(source, value as Node | null, path, line);
      this.entries.set(key.value, entry);
    }
  }

  /** Refuses keys other than these: a misspelled `client_ca_fle` must not leave a server open. */
  only(...known: string[]): this {
    for (const [key, entry] of this.entries) {
      if (!known.includes(key)) entry.refuse(`unknown key; known here are ${known.join(', ')}`);
    }
    return this;
  }

  /** The value of a key; undefined where it is absent or null. */
  get(key: string): YamlEntry | undefined {
    const entry = this.entries.get(key);
    return entry?.isNull === true ? undefined : entry;
  }
}

/** The mapping of the file; undefined where the file is empty. @throws WebConfigError where the text is not valid YAML */
export function parseYaml(file: string, text: string): YamlSection | undefined {
  const lines = new LineCounter();
  // With prettyErrors the message would quote the line, and so the log would have password hashes.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    throw new WebConfigError({ file, line: lines.linePos(fault.pos[0]).line }, `not valid YAML: ${fault.message}`);
  }
  if (document.contents === null) return undefined;
  return new YamlSection({ file, document, lines }, document.contents, { file });
}

function lineOf({ lines }: Source, node: Node | null): number | undefined {
  const offset = node?.range?.[0];
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
