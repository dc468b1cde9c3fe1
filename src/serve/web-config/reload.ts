import type { OnWarning } from '../warning.js';
import { WatchedFiles } from './watched-files.js';
import { WebConfigError } from './web-config-error.js';
import { readWebConfig, type WebConfig } from './web-config.js';

/**
 * The configuration in the current version of the file.
 *
 * As in the toolkit, each request checks the files; there is no timer and no `fs.watch`. So the first request after a change
 * sees it, an idle server does no work, and changes by Kubernetes' symbolic links and on network file systems are found too.
 * A check costs one `stat` per file (about 30 µs, in the thread pool), and requests at the same time share it.
 */
export class LiveWebConfig {
  #checking: Promise<WebConfig> | undefined;
  #lastComplaint: string | undefined;

  private constructor(
    private readonly file: string,
    private readonly onWarning: OnWarning,
    private files: WatchedFiles,
    private config: WebConfig,
    private digest: string,
  ) {}

  /** @throws WebConfigError where the file is wrong: the server does not start then */
  static async open(file: string, onWarning: OnWarning): Promise<LiveWebConfig> {
    const files = new WatchedFiles();
    const config = await readWebConfig(file, (path) => files.read(path));
    return new LiveWebConfig(file, onWarning, files, config, files.contentsDigest());
  }

  /** The newest valid configuration; the same object as before where no file has changed. */
  now(): Promise<WebConfig> {
    return (this.#checking ??= this.#check().finally(() => (this.#checking = undefined)));
  }

  async #check(): Promise<WebConfig> {
    if (!(await this.files.mayHaveChanged())) return this.config;
    this.files = new WatchedFiles();
    try {
      const config = await readWebConfig(this.file, (path) => this.files.read(path));
      checkProtections(this.file, this.config, config);
      this.#lastComplaint = undefined;
      if (this.files.contentsDigest() !== this.digest) {
        this.config = config;
        this.digest = this.files.contentsDigest();
      }
    } catch (error) {
      this.#complain(error as Error);
    }
    return this.config;
  }

  /** Warns once for each mistake, and not once for each scrape. */
  #complain({ message }: Error): void {
    if (message !== this.#lastComplaint) this.onWarning(`${message}. The configuration from before stays in force.`);
    this.#lastComplaint = message;
  }
}

/** Protections that a reload may change but not turn off. */
const PROTECTIONS: readonly { key: string; name: string; isOn: (config: WebConfig) => boolean }[] = [
  { key: 'tls_server_config', name: 'TLS', isOn: ({ tls }) => tls !== undefined },
  { key: 'basic_auth_users', name: 'authentication', isOn: ({ users }) => users.size > 0 },
  {
    key: 'tls_server_config.client_auth_type',
    name: 'the demand for client certificates',
    isOn: ({ tls }) => tls?.clientAuth.required === true,
  },
  {
    key: 'tls_server_config.client_auth_type',
    name: 'the verification of client certificates',
    isOn: ({ tls }) => tls?.clientAuth.verified === true,
  },
  {
    key: 'tls_server_config.client_allowed_sans',
    name: 'the rule for names in client certificates',
    isOn: ({ tls }) => tls?.clientAllowedSans !== undefined,
  },
];

/**
 * Refuses a configuration that turns a protection off: a program that rewrites the file in place leaves it empty for a moment,
 * and an empty configuration means no TLS and no passwords. It also refuses to turn TLS on: clients would go on using http.
 */
function checkProtections(file: string, was: WebConfig, now: WebConfig): void {
  const refuse = (key: string, problem: string): never => {
    throw new WebConfigError({ file, key }, `${problem} while serving; restart for that`);
  };
  const lost = PROTECTIONS.find(({ isOn }) => isOn(was) && !isOn(now));
  if (lost !== undefined) refuse(lost.key, `${lost.name} cannot be turned off`);
  if (was.tls === undefined && now.tls !== undefined) refuse('tls_server_config', 'TLS cannot be turned on');
}
