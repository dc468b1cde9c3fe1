import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Hashes of `secret`, made by bcryptjs; at the least cost there is, so that tests are quick. */
export const SECRET_HASH = '$2b$04$J0M3V4R.ViMmFPujvgcfqevqtfSWYGbokLJRoeWy.q6gx/gWQePLi';
/** Of `changed`. */
export const CHANGED_HASH = '$2b$04$RxOkxojUvawWBb2Qzhp/OuX6meEtlMf.rgat66pVYSMNn40h.Xxl.';
/** Of `schön:gut`. */
export const COLON_HASH = '$2b$04$VCvkweON5arpHA4pdXHJQeHsz08dZ5ZaIKPJ43FLUivX6qxyhbKyS';

/** A web configuration file that a test writes and replaces. */
export class WebConfigFile {
  readonly path: string;
  #writes = 0;

  constructor(dir: string, text: string) {
    this.path = join(dir, 'web.yml');
    this.replace(text);
  }

  /** Puts a new file in its place, as careful editors and Kubernetes do. */
  replace(text: string): void {
    const next = `${this.path}.${++this.#writes}`;
    writeFileSync(next, text);
    renameSync(next, this.path);
  }

  /** Writes into the same file, as `echo >` does. */
  overwrite(text: string): void {
    writeFileSync(this.path, text);
  }
}
