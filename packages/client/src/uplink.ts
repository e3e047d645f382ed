import {
  abortError,
  type CircuitError,
  type Clock,
  deadline,
  orAborted,
  toCircuitError,
  type WaitOptions,
} from '@circuit/base';
import type { Receiver, Sender, Session } from '@circuit/channel';
import { type Member, type RequestOf, type ResponseOf, split, type VerbName } from '@circuit/protocol';
import { Call, notSent, type Route } from './call.js';

/** How long a call whose request was not taken waits to hear why; the word travels right behind. */
const failureWaitMs = 1000;

/** The session to the dialled server and the channels on it, one for each server spoken to. Owns the session. */
export class Uplink {
  readonly session: Session;
  readonly clock: Clock;
  readonly #channels = new Map<string, RequestChannel>();
  readonly #addresses = new Map<string, string>();
  #serverId = '';

  constructor(session: Session, clock: Clock) {
    this.session = session;
    this.clock = clock;
  }

  /** The id of the dialled server, once it was greeted. */
  get serverId(): string {
    return this.#serverId;
  }

  /** Asks the dialled server who it is; resolves to the version of the protocol it speaks. */
  async greet(options: WaitOptions = {}): Promise<number> {
    const { id, protocol } = await this.ask('ping', '/', {}, options);
    const channel = this.#channels.get('');
    this.#channels.delete('');
    if (channel !== undefined) this.#channels.set(id, channel);
    this.#serverId = id;
    return protocol;
  }

  /** The address of a server as far as this client has heard of it. */
  addressOf(serverId: string): string | undefined {
    return this.#addresses.get(serverId);
  }

  /** Notes who is in the cluster. */
  heard(members: readonly Member[]): void {
    this.#addresses.clear();
    for (const member of members) this.#addresses.set(member.id, member.addr);
  }

  /** Asks the owner of `path` (the dialled server for the root) and waits for the result; events are passed over. */
  async ask<V extends VerbName>(
    verb: V,
    path: string,
    body: RequestOf<V>,
    options: WaitOptions = {},
  ): Promise<ResponseOf<V>> {
    const call = await this.call(verb, path, body, options);
    return call.result(options);
  }

  /** Sends a request to the owner of `path`; the caller reads the {@link Call} to its result or cancels it. */
  async call<V extends VerbName>(
    verb: V,
    path: string,
    body: RequestOf<V>,
    { signal }: WaitOptions = {},
  ): Promise<Call<V>> {
    const channel = this.#channel(split(path)[0] ?? this.serverId);
    let receiver: Receiver;
    try {
      receiver = await channel.sender.send({ verb, body }, { returns: true, signal });
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      throw notSent(`${verb} ${path}`, toCircuitError(error));
    }
    return new Call(verb, path, receiver, channel);
  }

  close(): Promise<void> {
    return this.session.close();
  }

  #channel(serverId: string): RequestChannel {
    const known = this.#channels.get(serverId);
    if (known !== undefined) return known;
    const sender = this.session.open({ target: serverId === this.serverId ? '' : serverId });
    const channel: RequestChannel = new RequestChannel(sender, this.clock, () => this.#forget(channel));
    this.#channels.set(serverId, channel);
    return channel;
  }

  #forget(channel: RequestChannel): void {
    for (const [serverId, known] of this.#channels) if (known === channel) this.#channels.delete(serverId);
  }
}

/** The channel to one server; forgotten when it fails, so that the next request opens another. */
class RequestChannel implements Route {
  readonly sender: Sender;
  readonly #clock: Clock;
  readonly #failed: Promise<CircuitError | undefined>;

  constructor(sender: Sender, clock: Clock, forget: () => void) {
    this.sender = sender;
    this.#clock = clock;
    this.#failed = sender.closed.then(
      () => undefined,
      (error: unknown) => toCircuitError(error, 'peer-gone'),
    );
    void this.#failed.then(forget);
  }

  async failure(): Promise<CircuitError | undefined> {
    const limit = deadline(this.#clock, failureWaitMs);
    try {
      return await orAborted(this.#failed, limit.signal);
    } catch {
      return undefined;
    } finally {
      limit.dispose();
    }
  }
}
