import { abortError, CircuitError, deadline, linkSignals, systemClock, toCircuitError } from '@circuit/base';
import type { Cluster } from '@circuit/client/node';
import { exitCodeOf, exitCodes } from '@circuit/protocol';
import { CommandLine, optionsBefore, parseCommandLine } from './command-line.js';
import { parseDuration } from './duration.js';
import type { Io } from './io.js';
import { usageError } from './usage.js';
import { clusterOptions, type Context, formatOption, type Verb, type VerbEntries } from './verb.js';
import { verbTable } from './verb-table.js';
import { version } from './version.js';

/** Exit codes of a shell for what came from outside. */
const interruptedCodes: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 };

/** Does what `argv` (without node and script) says and resolves to the exit code; every failure has been told by then. */
export async function runCommand(argv: readonly string[], io: Io): Promise<number> {
  const [first] = argv;
  if (first === '--version' || first === '-version') {
    await io.write(`circuit ${version}\n`);
    return exitCodes.done;
  }
  const asksHelp = first === undefined || first === '--help' || first === '-help' || first === '-h';
  let at: number;
  try {
    at = asksHelp ? 0 : optionsBefore(argv, { ...clusterOptions, ...formatOption });
  } catch (error) {
    io.say(`circuit: ${toCircuitError(error).message}: other options stand behind the verb`);
    return exitCodes.usage;
  }
  const name = asksHelp ? 'help' : argv[at];
  if (name === undefined) {
    io.say('circuit: options and no verb: circuit help lists the verbs');
    return exitCodes.usage;
  }
  const rest = asksHelp ? argv.slice(1) : [...argv.slice(0, at), ...argv.slice(at + 1)];
  const entry = Object.hasOwn(verbTable, name) ? verbTable[name] : undefined;
  if (entry === undefined) {
    io.say(`circuit: unknown verb ${name}: circuit help lists the known ones`);
    return exitCodes.usage;
  }
  const verb = await entry.load();
  if (rest.includes('--help') && (verb.leading === undefined || rest[0] === '--help')) {
    const { helpOf } = await import('./help.js');
    await io.write(helpOf(name, verb));
    return exitCodes.done;
  }
  return runVerb(name, verb, rest, io);
}

async function runVerb(name: string, verb: Verb, argv: readonly string[], io: Io): Promise<number> {
  const context = new VerbContext(io);
  try {
    if (verb.outcome !== undefined) context.situation = 'remote-before';
    context.line = parseCommandLine(argv, verb.options, verb.leading);
    checkArity(name, verb, context.args);
    context.limitTime();
    return await verb.run(context);
  } catch (error) {
    return await tell(name, verb, toCircuitError(error), context);
  } finally {
    await context.close();
  }
}

function checkArity(name: string, verb: Verb, args: readonly string[]): void {
  const [least, most] = verb.arity;
  if (args.length >= least && args.length <= most) return;
  const which = args.length < least ? 'too few' : 'too many';
  throw usageError(`${which} arguments: write circuit ${[name, verb.usage].join(' ').trim()}`);
}

async function tell(name: string, { outcome }: Verb, error: CircuitError, context: VerbContext): Promise<number> {
  const { signal } = context.io;
  const cause = signal.aborted ? abortError(signal) : error;
  const interrupted = interruptedCodes[cause.detail ?? ''];
  if (interrupted !== undefined) return interrupted;
  // A server names the verb too, where it is the same.
  const message = cause.message.replace(new RegExp(`^${name}(?:: | (?=/))`), '');
  context.io.say(`circuit: ${name}: ${message}`);
  const code = exitCodeOf(cause, context.situation);
  if (outcome !== undefined && context.situation !== 'plain' && /json$/.test(context.line.text('output') ?? '')) {
    const { failedOutcome } = await import('./outcome.js');
    await context.io[outcome](`${JSON.stringify(failedOutcome(code, cause))}\n`).catch(ignore);
  }
  return code;
}

const nothingTyped = new CommandLine([], new Map());

class VerbContext implements Context {
  readonly io: Io;
  readonly verbs: VerbEntries = verbTable;
  line: CommandLine = nothingTyped;
  situation: Context['situation'] = 'plain';
  #signal: AbortSignal;
  #cluster: Promise<Cluster> | undefined;
  #release: (() => void)[] = [];

  constructor(io: Io) {
    this.io = io;
    this.#signal = io.signal;
  }

  get args(): readonly string[] {
    return this.line.args;
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Makes `--timeout` count from now. */
  limitTime(): void {
    const text = this.line.text('timeout');
    if (text === undefined) return;
    const limit = deadline(systemClock, parseDuration(text), 'the command');
    const linked = linkSignals(this.io.signal, limit.signal);
    this.#signal = linked.signal;
    this.#release.push(
      () => limit.dispose(),
      () => linked.dispose(),
    );
  }

  connect(): Promise<Cluster> {
    this.#cluster ??= this.dial({ signal: this.#signal });
    return this.#cluster;
  }

  async close(): Promise<void> {
    for (const release of this.#release.splice(0)) release();
    const cluster = await this.#cluster?.catch(() => undefined);
    await cluster?.close();
  }

  async dial(options: Parameters<Context['dial']>[0]): Promise<Cluster> {
    if ((this.line.text('discover') ?? '') !== '')
      throw new CircuitError('unsupported', 'discovery by multicast is not built yet: name a server with -d ADDR');
    const { connect } = await import('@circuit/client/node');
    return connect({
      dial: this.line.text('dial'),
      keyFile: this.line.text('hmac'),
      insecure: this.line.flag('insecure'),
      env: this.io.env,
      ...options,
    });
  }
}

function ignore(): void {}
