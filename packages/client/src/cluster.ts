import type { CircuitError, WaitOptions } from '@circuit/base';
import type { Cmd, Entry, Member } from '@circuit/protocol';
import { Anchor } from './anchor.js';
import { list, type ListOptions } from './list.js';
import { run, type RunOptions, type RunResult } from './run.js';
import type { Uplink } from './uplink.js';

/** A cluster by way of one of its servers; also the root anchor. Whoever connected closes it. */
export class Cluster extends Anchor {
  readonly #addr: string;

  constructor(uplink: Uplink, addr: string) {
    super(uplink, '/');
    this.#addr = addr;
  }

  /** The address of the dialled server. */
  override get addr(): string {
    return this.#addr;
  }

  /** Every server that the dialled one knows to be alive, itself included, by id. */
  async servers({ signal }: WaitOptions = {}): Promise<readonly Member[]> {
    const { members } = await this.uplink.ask('servers', '/', {}, { signal });
    this.uplink.heard(members);
    return [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  override async view(options: WaitOptions = {}): Promise<Map<string, Anchor>> {
    const members = await this.servers(options);
    return new Map(members.map(({ id }) => [id, this.walk(id)]));
  }

  /** The anchors below a path, or all that match a pattern, over all servers concerned, in tree order; see {@link ListOptions}. */
  list(pattern: string, options: ListOptions = {}): AsyncIterable<Entry> {
    return list(this.uplink, () => this.servers({ signal: options.signal }), pattern, options);
  }

  /** Starts a process at `path`, feeds and reads it, waits for its end, and removes the element; see {@link RunOptions}. */
  run(path: string, cmd: Cmd, options: RunOptions = {}): Promise<RunResult> {
    return run(this.walk(path), cmd, options, this.uplink.clock);
  }

  /** Resolves when the session to the dialled server is over: with what ended it, `undefined` after a close by either side. */
  get closed(): Promise<CircuitError | undefined> {
    return this.uplink.session.closed;
  }

  /** Says goodbye and ends; what is pending rejects. Idempotent. */
  close(): Promise<void> {
    return this.uplink.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
