import { Fields, optional } from './fields.js';
import { parseLenientJson } from './lenient-json.js';
import { invalid, type Parsed, parsing, shown, utf8Bytes } from './parsed.js';

/**
 * How the output of a process is kept. `log`: on disk within bounds, oldest dropped, the process never waits.
 * `pipe`: the process waits for its one reader and nothing is lost.
 */
export type Mode = 'log' | 'pipe';

/** How to start a process. */
export interface Cmd {
  /** The executable: a path on the server, or a name that is looked up on the `PATH` of `env`, else of the server. */
  readonly path: string;
  /** Its arguments, the first one first (not its own name). */
  readonly args: readonly string[];
  /** `NAME=VALUE` each. Absent: the environment of the server; given: replaces it. */
  readonly env?: readonly string[];
  /** The working directory; absent: that of the server. */
  readonly dir?: string;
  /** Removes the element when the process has ended. */
  readonly scrub?: boolean;
  /** Absent: `log`. */
  readonly mode?: Mode;
  /** Bytes of output kept in the mode `log`, both streams together; absent: 1 GiB. A server may keep less. */
  readonly keepBytes?: number;
}

/** A {@link Cmd} as people write and see it. `Env` is `null` where the environment of the server is meant. */
export interface CmdJson {
  readonly Path: string;
  readonly Args: readonly string[];
  readonly Env: readonly string[] | null;
  readonly Dir: string;
  readonly Scrub: boolean;
  /** True for the mode `pipe`. */
  readonly Backpressure: boolean;
  /** Present where it was given. */
  readonly KeepBytes?: number;
}

/** Bounds of a command. Linux takes 128 KiB in one argument. */
export const commandLimits: {
  readonly items: number;
  readonly itemBytes: number;
  readonly totalBytes: number;
  readonly leastKeepBytes: number;
} = {
  items: 10_000,
  itemBytes: 131_071,
  totalBytes: 1_048_576,
  leastKeepBytes: 65_536,
};

const jsonKeys = ['Path', 'Args', 'Env', 'Dir', 'Scrub', 'Backpressure', 'KeepBytes'] as const;

/** Reads a command from JSON text: keys in any case, trailing commas accepted, `null` and `""` as if absent. */
export function parseCmd(text: string): Parsed<Cmd> {
  return parsing(() => {
    const json = parseLenientJson(text, 'the command');
    if (!json.ok) throw json.error;
    return readCmdJson(json.value);
  });
}

/** Reads a command from a decoded JSON object; see {@link parseCmd}. */
export function cmdFromJson(value: unknown): Parsed<Cmd> {
  return parsing(() => readCmdJson(value));
}

/** The form in which people read `cmd`. */
export function cmdToJson(cmd: Cmd): CmdJson {
  return {
    Path: cmd.path,
    Args: cmd.args,
    Env: cmd.env ?? null,
    Dir: cmd.dir ?? '',
    Scrub: cmd.scrub ?? false,
    Backpressure: cmd.mode === 'pipe',
    ...optional('KeepBytes', cmd.keepBytes),
  };
}

/** Reads a {@link Cmd} as it stands in a request; throws `invalid`. */
export function readCmd(value: unknown): Cmd {
  const fields = new Fields(value, 'cmd');
  const cmd: Cmd = {
    path: fields.text('path'),
    args: fields.has('args') ? fields.texts('args', listBounds) : [],
    ...(fields.has('env') ? { env: checkEnv(fields.texts('env', listBounds)) } : {}),
    ...(fields.has('dir') ? { dir: fields.text('dir') } : {}),
    ...(fields.flag('scrub') ? { scrub: true } : {}),
    ...(fields.has('mode') ? { mode: fields.choice<Mode>('mode', ['log', 'pipe']) } : {}),
    ...optional('keepBytes', readKeepBytes(fields, 'keepBytes')),
  };
  fields.finish();
  return checkWhole(cmd);
}

const listBounds = { maxItems: commandLimits.items, maxBytes: commandLimits.itemBytes };

function readCmdJson(value: unknown): Cmd {
  const fields = new Fields(withCanonicalKeys(value), 'the command');
  const dir = fields.has('Dir') ? fields.text('Dir', { empty: true }) : '';
  const cmd: Cmd = {
    path: fields.text('Path'),
    args: fields.has('Args') ? fields.texts('Args', listBounds) : [],
    ...optional('env', fields.has('Env') ? checkEnv(fields.texts('Env', listBounds)) : undefined),
    ...optional('dir', dir === '' ? undefined : dir),
    ...(fields.flag('Scrub') ? { scrub: true } : {}),
    ...(fields.flag('Backpressure') ? { mode: 'pipe' } : {}),
    ...optional('keepBytes', readKeepBytes(fields, 'KeepBytes')),
  };
  return checkWhole(cmd);
}

function readKeepBytes(fields: Fields, name: string): number | undefined {
  return fields.has(name) ? fields.integer(name, commandLimits.leastKeepBytes) : undefined;
}

/** The same object with every key as in {@link CmdJson}; unknown keys and two spellings of one key are refused. */
function withCanonicalKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const spelled = new Map<string, string>();
  const canonical: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    const name = jsonKeys.find((known) => known.toLowerCase() === key.toLowerCase());
    if (name === undefined) {
      unknown.push(shown(key));
      continue;
    }
    const before = spelled.get(name);
    if (before !== undefined) throw invalid(`the command has ${shown(before)} and ${shown(key)}`, `give ${name} once`);
    spelled.set(name, key);
    canonical[name] = item;
  }
  if (unknown.length > 0)
    throw invalid(
      `the command has the unknown ${unknown.length === 1 ? 'key' : 'keys'} ${unknown.slice(0, 10).join(', ')}`,
      `known are ${jsonKeys.join(', ')}`,
      'unknown-field',
    );
  return canonical;
}

function checkEnv(env: readonly string[]): readonly string[] {
  const wrong = env.findIndex((entry) => entry.indexOf('=') < 1);
  // The entry itself is not shown: it may be a secret.
  if (wrong !== -1) throw invalid(`the command: Env[${wrong}] has no name before "="`, 'write NAME=VALUE');
  return env;
}

function checkWhole(cmd: Cmd): Cmd {
  if (cmd.mode === 'pipe' && cmd.keepBytes !== undefined)
    throw invalid(
      'the command has both Backpressure and KeepBytes',
      'leave one out: with Backpressure all output is kept until it is read',
    );
  let total = 0;
  for (const text of [cmd.path, ...cmd.args, ...(cmd.env ?? [])]) total += utf8Bytes(text) + 1;
  if (total > commandLimits.totalBytes)
    throw invalid(`the command has ${total} bytes`, `use at most ${commandLimits.totalBytes}, pass more by stdin`);
  return cmd;
}
