/** The interface of a push target: it makes messages of the metrics, and sends each of them. */
import type { TimeSlices } from '../time-slices.js';
import type { MetricFamily } from '../model/metric-family.js';

/** The metrics at one time. */
export interface Snapshot {
  readonly families: readonly MetricFamily[];
  /** Milliseconds since the epoch, later than that of every snapshot before. */
  readonly time: number;
}

/** A part of a snapshot that is sent at once, or not at all. */
export interface Message {
  readonly body: Uint8Array;
  readonly samples: number;
  /** Version of the protocol, for targets that have several. */
  readonly version?: string;
}

export type Outcome =
  /** The receiver has taken the message, except `lost` samples, for this reason. */
  | { readonly result: 'sent'; readonly lost?: number; readonly reason?: string }
  /** Another attempt would fail in the same way. */
  | { readonly result: 'refused'; readonly lost?: number; readonly reason: string }
  /**
   * Another attempt may succeed, after `afterMs` if the receiver has named a time. It is `limited` where the message itself may
   * be the reason, so that it must not be tried for ever.
   */
  | { readonly result: 'failed'; readonly reason: string; readonly limited: boolean; readonly afterMs?: number };

export interface PushTarget {
  /** Where it goes, without secrets, for messages of the log. */
  readonly destination: string;
  /** Called before the messages of each snapshot are made. */
  prepare?(signal: AbortSignal): Promise<void>;
  /** Makes messages one by one, and lets the event loop turn when a slice of time is over. */
  messages(snapshot: Snapshot, slices: TimeSlices): AsyncIterable<Message>;
  /** The messages mark series that were in an earlier snapshot as ended: those of a snapshot without families end all. */
  readonly marksEnds?: boolean;
  /** Never rejects. */
  send(message: Message, signal: AbortSignal): Promise<Outcome>;
  close?(): void;
}

/** Options of targets that are reached by HTTP. */
export interface HttpTargetOptions {
  /** Where to send: `http:` or `https:`. */
  readonly url: string;
  /** Further headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A user name, and a password or a file with it, which is read for every request. */
  readonly basicAuth?: { readonly username: string; readonly password?: string; readonly passwordFile?: string };
  /** A token for `Authorization: Bearer`. */
  readonly bearerToken?: string;
  /** A file with the token, which is read for every request. */
  readonly bearerTokenFile?: string;
  /** Options of node:tls for `https:` URLs: `ca`, `cert`, `key`, `servername`, … */
  readonly tls?: import('node:tls').ConnectionOptions;
  /** How long one request may take, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}
