#!/usr/bin/env node
/** The command `prom-multiproc`: what an operator does with a metrics directory. */
import { Command, CommanderError, Option } from 'commander';
import { describeError, PromMultiprocError } from '../errors.js';
import { TEXT, TEXT_DIALECTS } from '../exposition/text-dialect.js';
import { outliveUnreadOutput } from './unread-output.js';

// from dist/src/cli; imported, tsc would make a second package root of dist
const { version } = require('../../../package.json') as { version: string };

/** Exit codes: 0 well, 1 something was found or failed, 2 the call itself was wrong. */
const FAILED = 1;
const MISUSED = 2;
const MISUSES: ReadonlySet<string> = new Set(['ERR_INVALID_ARGUMENT', 'ERR_NO_DIRECTORY']);

/** Each command is loaded when it is called: `serve` in a container has no use for the rest. */
function program(): Command {
  const dir = (): Option => new Option('--dir <path>', 'the metrics directory').env('PROMETHEUS_MULTIPROC_DIR');
  const json = (): Option => new Option('--json', 'print JSON');
  const root = new Command('prom-multiproc')
    .description('Prometheus metrics from many Node.js workers: serve, look into and look after a metrics directory')
    .version(version)
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', '\nExit codes: 0 all is well, 1 something was found or failed, 2 the call itself is wrong.')
    .exitOverride();
  root
    .command('serve')
    .description('serve the merged metrics; may start before any worker')
    .addOption(dir())
    .option('--web.listen-address <address...>', 'host:port, :port, or unix:/path; may be given again', [
      '127.0.0.1:9464',
    ])
    .option('--web.telemetry-path <path>', 'where the metrics are', '/metrics')
    .option('--web.config.file <file>', "TLS, authentication and more, as Prometheus' exporter-toolkit has them")
    .option('--registry <name...>', 'only the metrics of these registries')
    .action(async (options) => (await import('./serve.js')).serveCommand(options));
  root
    .command('ps')
    .description('list the processes that count there')
    .addOption(dir())
    .addOption(json())
    .action(async (options) => (await import('./ps.js')).psCommand(options));
  root
    .command('dump')
    .description('print the merged metrics')
    .argument('[names...]', 'only metrics of these names; * stands for anything')
    .addOption(dir())
    .addOption(json())
    .addOption(new Option('--format <format>', 'of the text').choices([...TEXT_DIALECTS.keys()]).default(TEXT.name))
    .option('--created', 'with the time at which each series was made')
    .action(async (names, options) => (await import('./dump.js')).dumpCommand(names, options));
  root
    .command('check')
    .description('check the files, byte by byte, and the metrics in them for bad names')
    .argument('[files...]', 'these files only, and no names')
    .addOption(dir())
    .addOption(json())
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
    .action(async () => (await import('./register-path.js')).registerPathCommand());
  root
    .command('top')
    .description('watch the processes and the fastest series')
    .addOption(dir())
    .option('--interval <seconds>', 'between two looks', '2')
    .option('--count <looks>', 'end after so many looks')
    .addOption(new Option('--json', 'print JSON, a line for each look'))
    .action(async (options) => (await import('./top.js')).topCommand(options));
  for (const command of root.commands) command.exitOverride();
  return root;
}

async function main(): Promise<void> {
  outliveUnreadOutput(process.argv[2] === 'serve');
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has said it already; help and version come by here too
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    process.stderr.write(`prom-multiproc: ${describeError(error)}\n`);
    process.exitCode = error instanceof PromMultiprocError && MISUSES.has(error.code) ? MISUSED : FAILED;
  }
}

void main();
