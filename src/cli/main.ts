#!/usr/bin/env node
/** The command `prom-multiproc`, for operators of a metrics directory. */
import { Command, CommanderError, Option } from 'commander';
import { describeError, PromMultiprocError } from '../errors.js';
import { TEXT, TEXT_DIALECTS } from '../exposition/text-dialect.js';
import { print } from './print.js';

// the path starts at dist/src/cli; with an import tsc would copy package.json and so make dist a second package root
const { version } = require('../../../package.json') as { version: string };

/** Exit codes: 0 success, 1 a problem was found or the command failed, 2 the arguments were wrong. */
const FAILED = 1;
const MISUSED = 2;
const MISUSES: ReadonlySet<string> = new Set(['ERR_INVALID_ARGUMENT', 'ERR_NO_DIRECTORY']);

/** The code of a command is loaded when the command runs: `serve` in a container does not need the rest. */
function program(): Command {
  const dir = (): Option => new Option('--dir <path>', 'the metrics directory').env('PROMETHEUS_MULTIPROC_DIR');
  const json = (): Option => new Option('--json', 'print JSON');
  const root = new Command('prom-multiproc')
    .description('Prometheus metrics from many Node.js workers: serve, inspect and maintain a metrics directory')
    .version(version)
    .showHelpAfterError('(see --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 success, 1 a problem was found or the command failed, 2 the arguments were wrong.',
    )
    .exitOverride();
  root
    .command('serve')
    .description('serve the merged metrics; it may start before the workers')
    .addOption(dir())
    .option('--web.listen-address <address...>', 'host:port, :port, or unix:/path; may be repeated', ['127.0.0.1:9464'])
    .option('--web.telemetry-path <path>', 'the path of the metrics', '/metrics')
    .option('--web.config.file <file>', "TLS and authentication, in the format of Prometheus' exporter-toolkit")
    .option('--web.systemd-socket', 'listen on the sockets that systemd hands over, not on --web.listen-address')
    .option('--registry <name...>', 'only the metrics of these registries')
    .option(
      '--name <name...>',
      'only metrics with these names, or samples of these names, where a scrape has no name[]',
    )
    .option('--created', 'show when each series was created')
    .option('--strict', 'OpenMetrics in the form of other libraries')
    .option('--openmetrics2', 'OpenMetrics 2.0, which is not final, for scrapers that request it')
    .option('--dead-retention <seconds>', 'how long gauges of dead processes are kept')
    .option('--fold-files <files>', 'fold when so many processes have died')
    .option('--no-fold', 'do not fold the files of dead processes')
    .action(async (options) => (await import('./serve.js')).serveCommand(options));
  root
    .command('push')
    .description('send the merged metrics to a receiver by an interval, until SIGTERM; it may start before the workers')
    .addOption(dir())
    .option('--remote-write <url>', 'a receiver of Prometheus remote write')
    .option('--otlp <url>', 'a receiver of OTLP over HTTP, such as http://collector:4318/v1/metrics')
    .option('--pushgateway <url>', 'a Pushgateway; its group is the job of --label job=…')
    .option('--textfile <path>', 'a file for node_exporter, which ends in .prom')
    .option('--interval <duration>', 'time between two sendings, such as 15s or 1m', '15s')
    .option('--label <name=value...>', 'a label of every series; may be repeated')
    .option('--header <name:value...>', 'a header of every request; may be repeated')
    .option('--basic-auth.username <name>', 'a user name, with --basic-auth.password-file')
    .option('--basic-auth.password-file <file>', 'a file with the password')
    .option('--bearer-token-file <file>', 'a file with the token of Authorization: Bearer')
    .option('--tls.ca-file <file>', "the authorities that sign the receiver's certificate")
    .option('--tls.cert-file <file>', 'a certificate for the receiver, with --tls.key-file')
    .option('--tls.key-file <file>', 'the key of that certificate')
    .option('--registry <name...>', 'only the metrics of these registries')
    .action(async (options) => (await import('./push.js')).pushCommand(options));
  root
    .command('ps')
    .description('list the processes that use the directory')
    .addOption(dir())
    .addOption(json())
    .action(async (options) => (await import('./ps.js')).psCommand(options));
  root
    .command('dump')
    .description('print the merged metrics')
    .argument('[names...]', 'only metrics with these names; * matches any text')
    .addOption(dir())
    .addOption(json())
    .addOption(
      new Option('--format <format>', 'format of the text').choices([...TEXT_DIALECTS.keys()]).default(TEXT.name),
    )
    .option('--created', 'print also when each series was created')
    .action(async (names, options) => (await import('./dump.js')).dumpCommand(names, options));
  root
    .command('check')
    .description('check every byte of the files, and the names of the metrics')
    .argument('[files...]', 'check only these files, and no names')
    .addOption(dir())
    .addOption(json())
    .option('--health', 'check the processes instead: the verdict of the status page')
    .option('--strict-names', "treat the names of prom-client's default metrics as findings, not as notes")
    .action(async (files, options) => (await import('./check.js')).checkCommand(files, options));
  root
    .command('fold')
    .description('fold the files of dead processes into the archive')
    .addOption(dir())
    .addOption(json())
    .action(async (options) => (await import('./fold.js')).foldCommand(options));
  root
    .command('register-path')
    .description('print the absolute path for node --import')
    .action(async () => print((await import('../prom-client/register-path.js')).registerPath()));
  root
    .command('top')
    .description('watch the workers, what is wrong with them, and the counters that grow fastest')
    .addOption(dir())
    .option('--interval <seconds>', 'time between two updates', '2')
    .option('--count <updates>', 'end after so many updates')
    .addOption(new Option('--json', 'print JSON, a line for each update'))
    .action(async (options) => (await import('./top.js')).topCommand(options));
  for (const command of root.commands) command.exitOverride();
  return root;
}

/**
 * Without a listener a failed write ends the process with a stack trace. Where the reader closes the pipe, as `head` does, the
 * command ends without an error; on a full disk it ends with exit code 1. A server continues in both cases.
 */
function outliveUnreadOutput(isServer: boolean): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isServer) return;
    if (error.code !== 'EPIPE') {
      process.stderr.write(`prom-multiproc: the output cannot be written: ${describeError(error)}\n`);
      process.exitCode = FAILED;
    }
    // exits with the code that the command has set so far
    process.exit();
  });
}

async function main(): Promise<void> {
  outliveUnreadOutput(['serve', 'push'].includes(process.argv[2]));
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has printed the message; --help and --version end here too
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    process.stderr.write(`prom-multiproc: ${describeError(error)}\n`);
    process.exitCode = error instanceof PromMultiprocError && MISUSES.has(error.code) ? MISUSED : FAILED;
  }
}

void main();
