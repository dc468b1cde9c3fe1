/** The targets of a push, one row each: the name of the option is the key. */
import type { Labels } from '../model/metric-family.js';
import { Otlp, type OtlpOptions } from './otlp.js';
import { PushgatewayGroup, type PushgatewayGroupOptions } from './pushgateway-group.js';
import type { PushTarget } from './push-target.js';
import { RemoteWrite, type RemoteWriteOptions } from './remote-write.js';
import { Textfile, type TextfileTargetOptions } from './textfile-target.js';

/** Where the metrics are pushed; each given one is a push of its own, with its own leader. */
export interface PushTargets {
  /** A receiver of Prometheus remote write. */
  readonly remoteWrite?: RemoteWriteOptions;
  /** A receiver of OTLP over HTTP. */
  readonly otlp?: OtlpOptions;
  /** A group of a Pushgateway, which is replaced each time. */
  readonly pushgateway?: PushgatewayGroupOptions;
  /** A file for the textfile collector of node_exporter. */
  readonly textfile?: TextfileTargetOptions;
}

interface TargetRow<Options> {
  /** In figures and the log. */
  readonly name: string;
  /** Whether it wants the times of creation. */
  readonly created: boolean;
  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  readonly open: (options: Options, labels: Labels) => PushTarget;
}

export const PUSH_TARGETS: { readonly [Key in keyof PushTargets]-?: TargetRow<NonNullable<PushTargets[Key]>> } = {
  remoteWrite: { name: 'remote_write', created: true, open: (options, labels) => new RemoteWrite(options, labels) },
  otlp: { name: 'otlp', created: true, open: (options, labels) => new Otlp(options, labels) },
  pushgateway: {
    name: 'pushgateway',
    created: false,
    open: (options, labels) => new PushgatewayGroup(options, labels),
  },
  textfile: { name: 'textfile', created: false, open: (options, labels) => new Textfile(options, labels) },
};
