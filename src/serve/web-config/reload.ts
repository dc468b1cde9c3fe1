import type { OnWarning } from '../warning.js';
import { WatchedFiles } from './watched-files.js';
import { WebConfigError } from './web-config-error.js';
import { readWebConfig, type WebConfig } from './web-config.js';

/**
 * The configuration as the file has it now.
 *
 * Files are looked at when somebody asks, as the toolkit does, rather than on a timer or by `fs.watch`: a request after
 * a change sees it, an idle server does nothing at all, and neither Kubernetes' symlink swaps nor network file systems
 * go unnoticed. It costs a `stat` a file (some 30 µs, in the thread pool), shared by requests that come together.
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

  /** @throws WebConfigError: a server does not start with a bad file. */
  static async open(file: string, onWarning: OnWarning): Promise<LiveWebConfig> {
    const files = new WatchedFiles();
    const config = await readWebConfig(file, (path) => files.read(path));
    return new LiveWebConfig(file, onWarning, files, config, files.contentsDigest());
  }

  /** The newest good configuration: the same object until its files change. */
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

  /** Once for each mistake, not once for each scrape that runs into it. */
  #complain({ message }: Error): void {
    if (message !== this.#lastComplaint) this.onWarning(`${message}. The configuration from before stays in force.`);
    this.#lastComplaint = message;
  }
}

/** What a reload may change but not take away. */
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
 * Refuses a configuration that takes a protection away. A file that is being rewritten in place is empty for a moment,
 * which as a configuration means 'no TLS, no passwords'. Nor may TLS come by itself: no client follows from http to https.
 */
function checkProtections(file: string, was: WebConfig, now: WebConfig): void {
  const lost = PROTECTIONS.find(({ isOn }) => isOn(was) && !isOn(now));
  if (lost !== undefined) {
    throw new WebConfigError(
      { file, key: lost.key },
      `${lost.name} cannot be turned off while serving; restart for that`,
    );
  }
  if (was.tls === undefined && now.tls !== undefined) {
    throw new WebConfigError(
      { file, key: 'tls_server_config' },
      'TLS cannot be turned on while serving; restart for that',
    );
  }
}
