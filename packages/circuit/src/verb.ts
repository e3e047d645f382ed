import type { ExitSituation } from '@circuit/protocol';
import type { Cluster, DialOptions } from '@circuit/client/node';
import type { CommandLine, OptionSpecs } from './command-line.js';
import type { Io } from './io.js';

/** A verb by name: enough for the list in the help, the rest on demand. */
interface VerbEntry {
  readonly summary: string;
  load(): Promise<Verb>;
}

export type VerbEntries = Readonly<Record<string, VerbEntry>>;

/** What a verb gets to do its work. */
export interface Context {
  readonly io: Io;
  readonly line: CommandLine;
  readonly args: readonly string[];
  /** All verbs there are. */
  readonly verbs: VerbEntries;
  /** Fires when the command is to end, also by `--timeout`. */
  readonly signal: AbortSignal;
  /** The cluster that the options and the environment name; connected at the first call, closed behind the verb. */
  connect(): Promise<Cluster>;
  /** A connection of the verb's own, which it closes: for verbs that outlive a server. */
  dial(options: Pick<DialOptions, 'signal' | 'timeoutMs'>): Promise<Cluster>;
  /** How failures from here on are told; see `exitCodeOf`. Begins as `plain`. */
  situation: ExitSituation;
}

/** One verb of the command. */
export interface Verb {
  /** Its arguments as the help shows them, without options. */
  readonly usage: string;
  /** What it does, in lines of the help. */
  readonly help: string;
  readonly options: OptionSpecs;
  /** How many arguments it takes, at least and at most. */
  readonly arity: readonly [number, number];
  /** Behind so many arguments no option is looked for: the rest is another command's. */
  readonly leading?: number;
  /**
   * Given by a verb that passes on the code of a command elsewhere, so that its own failures keep to codes that are set apart: where they
   * are told with `-o json`, beside the line that people read.
   */
  readonly outcome?: 'write' | 'writeError';
  /** Resolves to the exit code. */
  run(context: Context): Promise<number>;
}

/** The options of every verb that talks to a cluster. */
export const clusterOptions: OptionSpecs = {
  dial: { type: 'text', short: 'd', value: 'ADDR', help: 'the server to talk to: circuit://HOST:PORT or unix:/PATH' },
  discover: { type: 'text', value: 'GROUP', help: "only '' (off): discovery by multicast is not built yet" },
  hmac: { type: 'text', value: 'FILE', help: 'the key file (also: CIRCUIT_HMAC)' },
  insecure: { type: 'flag', help: 'talk to a server that was started without a key, in plain text' },
  timeout: { type: 'text', value: 'TIME', help: 'give up after this time, such as 500ms, 10s or 2m: exit 124' },
};

/** The option of every verb that prints records. */
export const formatOption: OptionSpecs = {
  output: { type: 'text', short: 'o', value: 'FORMAT', help: 'json, ndjson, table or name' },
};
