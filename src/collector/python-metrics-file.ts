import { join } from 'node:path';
import type { Liveness } from '../directory/liveness.js';
import { DbReader } from '../python-file/db-reader.js';
import { parsePythonFileName } from '../python-file/file-name.js';
import { PythonView } from '../python-file/python-view.js';
import type { FileContext, FileWriter, MetricsFile } from './metrics-file.js';

/** A file of client_python, which this package only reads. */
export class PythonMetricsFile implements MetricsFile {
  readonly kind = 'python';
  readonly name: string;
  readonly writer: FileWriter;
  readonly part: PythonView;
  readonly reader: DbReader;
  readonly #context: FileContext;
  liveness: Liveness = 'unknown';
  #readWhenDead = false;

  /** @throws {BadFileError} or the system's error where the file cannot be opened */
  constructor(name: string, context: FileContext) {
    this.name = name;
    this.#context = context;
    this.reader = new DbReader(join(context.dir, name));
    const parsed = parsePythonFileName(name)!;
    const { bornAt } = this.reader;
    const pid = Number(parsed.pid);
    this.writer = {
      ...{ pid: Number.isInteger(pid) ? pid : 0, threadId: 0, label: parsed.pid, hostName: '' },
      ...{ startedAt: bornAt, createdAt: bornAt, id: name, files: `*_${parsed.pid}.db` },
    };
    this.part = new PythonView(context.index, this.reader, parsed, context.python.samples);
  }

  get fingerprint(): string {
    return this.reader.fingerprint;
  }
  get sizeBytes(): number {
    return this.reader.usedBytes;
  }
  get isFinal(): boolean {
    return this.#readWhenDead && !this.part.isRewound;
  }

  /** client_python keeps the gauges of dead processes, in modes that keep any, as long as their files exist. */
  look(): void {
    if (!this.isFinal) this.liveness = this.#context.python.liveness.probe(this.reader.fd, this.writer.label);
    this.part.state = this.liveness === 'dead' ? 'dead' : 'live';
  }

  *read(): Generator<void, void> {
    yield* this.part.read();
    this.#readWhenDead = this.liveness === 'dead';
  }
}
