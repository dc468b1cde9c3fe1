import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM files made for a test by the `openssl` binary, and their contents. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for one test. */
export class TestAuthority {
  readonly #self: Certificate;

  constructor(
    private readonly dir: string,
    private readonly name = 'ca',
  ) {
    const files = this.#newKey(name);
    openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      files.keyFile,
      '-out',
      files.certFile,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
    this.#self = read(files);
  }

  get cert(): string {
    return this.#self.cert;
  }

  get certFile(): string {
    return this.#self.certFile;
  }

  /** Issues a certificate with subject alternative names such as `DNS:localhost,IP:127.0.0.1`. */
  issue(name: string, subjectAltName: string): Certificate {
    const files = this.#newKey(name);
    const request = join(this.dir, `${name}.csr`);
    const extensions = join(this.dir, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`);
    openssl('req', '-new', '-key', files.keyFile, '-out', request, '-subj', `/CN=${name}`);
    openssl(
      ...['x509', '-req', '-in', request, '-out', files.certFile, '-days', '2', '-extfile', extensions],
      ...['-CA', this.#self.certFile, '-CAkey', this.#self.keyFile, '-CAcreateserial'],
    );
    return read(files);
  }

  #newKey(name: string): { certFile: string; keyFile: string } {
    const stem = join(this.dir, name === this.name ? name : `${this.name}-${name}`);
    const files = { certFile: `${stem}.crt`, keyFile: `${stem}.key` };
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', files.keyFile);
    return files;
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

function read(files: { certFile: string; keyFile: string }): Certificate {
  return { ...files, cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') };
}
