import {
  abortError,
  CircuitError,
  type Clock,
  deadline,
  type Deferred,
  deferred,
  linkSignals,
  type Logger,
  onAbort,
  orAborted,
  silentLogger,
  systemClock,
  type Timer,
  toCircuitError,
} from '@circuit/base';
import type { Accepted, Session } from '@circuit/channel';
import type { ServerIdentity } from '@circuit/keys';
import { randomBytes } from 'node:crypto';
import { definedChanges, faultOf, type MemberRecord, memberOf, type SealedRecord, sealRecord } from '../record.js';
import type {
  Joined,
  JoinOptions,
  Member,
  MemberChanges,
  Membership,
  MembershipEvent,
  MembershipHooks,
} from '../types.js';
import { Conversation } from './conversation.js';
import { failureOfDial, failureOfGreeting } from './dial-failure.js';
import type { DialFailure, DialTarget, Effect, Entry, MeshEvent } from './events.js';
import { type Greeted, greet, type Introduction, welcome } from './handshake.js';
import { Mesh } from './mesh.js';
import { defaultSettings, type MeshSettings } from './settings.js';
import { Watchers } from './watchers.js';

/** What a mesh needs of its owner. */
export interface MeshOptions {
  readonly identity: ServerIdentity;
  readonly self: Pick<Member, 'addr' | 'name' | 'version' | 'dc' | 'labels'>;
  /**
   * Dials a server. A refused dial is told by a detail of `ECONNREFUSED` (`ENOENT` for a socket's path); a peer that took the
   * connection and did not finish the carrier's handshake by `handshake`. Membership closes the session.
   */
  readonly dial: (address: string, options: { readonly signal: AbortSignal }) => Promise<Session>;
  readonly hooks?: MembershipHooks;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly settings?: Partial<MeshSettings>;
  /** Time for a dial, and again for the introduction up to the peer's first words. Default 5,000. */
  readonly handshakeMs?: number;
  /** How long `leave` waits for those that do not listen. Default 2,000. */
  readonly graceMs?: number;
}

interface PendingJoin {
  readonly result: Deferred<Joined>;
  release: () => void;
  /** Hears of the first dial that failed, and is gone then. */
  onRetry: JoinOptions['onRetry'];
}

/** Introductions of other servers that may be under way at once. */
const maxGreetings = 64;

/** {@link Membership} by a full mesh of sessions: drives a {@link Mesh} over the owner's dials. Begins nothing before `join` or `accept`. */
export class MeshMembership implements Membership {
  readonly #options: MeshOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mesh: Mesh;
  readonly #handshakeMs: number;
  readonly #settings: MeshSettings;
  readonly #watchers: Watchers<MembershipEvent>;
  readonly #conversations = new Map<number, Conversation>();
  readonly #firstWords = new Map<number, Timer>();
  readonly #joins = new Map<number, PendingJoin>();
  /** Everything that is under way, so that `close` can wait for it. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  readonly #events: MeshEvent[] = [];
  #stepping = false;
  #identity: ServerIdentity;
  #sealed: { readonly record: MemberRecord; readonly sealed: SealedRecord } | undefined;
  #timer: Timer | undefined;
  #counter = 0;
  #greetings = 0;
  #leaving: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Throws `invalid` for a record that is too large or malformed. */
  constructor(options: MeshOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.logger ?? silentLogger;
    this.#handshakeMs = options.handshakeMs ?? 5000;
    this.#watchers = new Watchers(this.#log);
    this.#identity = options.identity;
    this.#settings = { ...defaultSettings, ...options.settings };
    this.#mesh = new Mesh(this.#newRecord(options.self, options.identity.id), this.#clock.now(), this.#settings);
  }

  get self(): Member {
    return memberOf(this.#mesh.self);
  }

  members(): readonly Member[] {
    return this.#mesh.members;
  }

  watch(listener: (event: MembershipEvent) => void): () => void {
    return this.#watchers.add(listener, { type: 'snapshot', members: this.members() });
  }

  sessionTo(id: string): Session | undefined {
    return this.#conversations.get(this.#mesh.linkTo(id) ?? 0)?.session;
  }

  announce(changes: MemberChanges): void {
    this.#refuseWhenOver();
    const defined = definedChanges(changes);
    checkRecord({ ...this.#mesh.self, ...defined });
    this.#feed({ type: 'announce', changes: defined });
  }

  async join(address: string, { signal, onRetry }: JoinOptions = {}): Promise<Joined> {
    this.#refuseWhenOver();
    if (signal?.aborted === true) throw abortError(signal);
    const seed = ++this.#counter;
    const pending: PendingJoin = { result: deferred(), release: ignore, onRetry };
    this.#joins.set(seed, pending);
    if (signal !== undefined)
      pending.release = onAbort(signal, () => {
        this.#feed({ type: 'forget', seed });
        this.#takeJoin(seed)?.reject(abortError(signal));
      });
    this.#feed({ type: 'join', seed, address });
    return pending.result.promise;
  }

  accept(accepted: Accepted, session: Session): void {
    if (this.#ending.signal.aborted) accepted.receiver.cancel(closedError());
    else if (this.#greetings >= maxGreetings)
      accepted.receiver.cancel(new CircuitError('limit', `${maxGreetings} servers introduce themselves already`));
    else this.#run(this.#receive(accepted, session));
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #leave(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    this.#feed({ type: 'leave' });
    await this.#told([...this.#conversations.values()]);
    await this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort(closedError());
    this.#timer?.cancel();
    for (const seed of [...this.#joins.keys()]) this.#takeJoin(seed)?.reject(closedError());
    for (const conversation of [...this.#conversations.values()]) conversation.end(closedError());
    this.#watchers.clear();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Steps the mesh and does what it says. Events that arise meanwhile wait their turn. */
  #feed(event: MeshEvent): void {
    if (this.#ending.signal.aborted) return;
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const effect of this.#mesh.step(next, this.#clock.now())) this.#apply(effect);
    }
    this.#stepping = false;
    this.#rearm();
    this.#watchers.run();
  }

  #apply(effect: Effect): void {
    switch (effect.type) {
      case 'dial':
        this.#run(this.#dial(effect.target, effect.address, effect.limitMs));
        return;
      case 'tell':
        this.#conversations.get(effect.link)?.tell(effect.entries);
        return;
      case 'hang-up':
        this.#hangUp(effect.link, effect.reason, effect.gently);
        return;
      case 'ready':
        this.#ready(effect.link);
        return;
      case 'view':
        this.#watchers.tell(effect.event);
        return;
      case 'seed-done':
        this.#takeJoin(effect.seed)?.resolve(effect.result);
        return;
      case 'seed-failed':
        this.#takeJoin(effect.seed)?.reject(effect.error);
        return;
      case 'twin':
        this.#run(this.#rename(effect.twin));
        return;
    }
  }

  async #dial(target: DialTarget, address: string, limitMs = Infinity): Promise<void> {
    const eachMs = Math.min(limitMs, this.#handshakeMs);
    const expectedId = target.type === 'member' ? target.id : undefined;
    let session: Session | undefined;
    const failed = (error: unknown, classify: (error: CircuitError) => DialFailure): void => {
      const reason = toCircuitError(error);
      session?.abort(reason);
      this.#feed({ type: 'dial-failed', target, failure: classify(reason), error: reason });
    };
    try {
      session = await this.#within(eachMs, `dial ${address}`, (signal) => this.#options.dial(address, { signal }));
    } catch (error) {
      failed(error, failureOfDial);
      if (target.type === 'seed') this.#tellRetry(target.seed, toCircuitError(error));
      return;
    }
    const dialled = session;
    try {
      const greeted = await this.#within(eachMs, `introduction to ${address}`, (signal) =>
        greet(dialled, this.#introduce(), { signal, expectedId }),
      );
      this.#linked(dialled, greeted, target);
    } catch (error) {
      failed(error, (reason) => failureOfGreeting(reason, target));
    }
  }

  async #receive(accepted: Accepted, session: Session): Promise<void> {
    this.#greetings++;
    try {
      const greeted = await this.#within(this.#handshakeMs, 'introduction', (signal) =>
        welcome(accepted, session, () => this.#introduce(), { signal }),
      );
      this.#linked(session, greeted);
    } catch (error) {
      const { code, message } = toCircuitError(error);
      this.#log.debug('membership: no link with a peer', { from: session.peer.address, code, message });
    } finally {
      this.#greetings--;
    }
  }

  #linked(session: Session, greeted: Greeted, target?: DialTarget): void {
    const link = ++this.#counter;
    const { beatMs, silentBeats } = this.#settings;
    const seal = (entry: Entry): SealedRecord | undefined => this.#seal(entry);
    const conversation = new Conversation(session, greeted, { clock: this.#clock, beatMs, silentBeats, seal });
    this.#conversations.set(link, conversation);
    const silent = new CircuitError('timeout', `${greeted.peer.id} said nothing for ${this.#handshakeMs} ms`);
    this.#firstWords.set(
      link,
      this.#clock.after(this.#handshakeMs, () => conversation.end(silent)),
    );
    conversation.start({
      heard: (entries) => this.#feed({ type: 'heard', link, entries }),
      ended: (reason, silentMs) => this.#ended(link, conversation, reason, silentMs),
    });
    // An end that came while the introduction was under way finds the link in the table.
    if (this.#ending.signal.aborted) conversation.end(closedError());
    else this.#feed({ type: 'linked', link, peer: greeted.peer, ...(target === undefined ? {} : { target }) });
  }

  #ready(link: number): void {
    this.#firstWords.get(link)?.cancel();
    this.#firstWords.delete(link);
    const conversation = this.#conversations.get(link);
    if (conversation === undefined) return;
    const { session, peer } = conversation;
    this.#watchers.call(() => this.#options.hooks?.onSession?.(session, peer.id, peer.dialledByUs));
  }

  #ended(link: number, { session, peer }: Conversation, reason: CircuitError, silentMs: number): void {
    this.#conversations.delete(link);
    this.#firstWords.get(link)?.cancel();
    this.#firstWords.delete(link);
    const fields = { id: peer.id, code: reason.code, message: reason.message };
    if (reason.code === 'protocol' || reason.code === 'limit') this.#log.warn('membership: link ended', fields);
    else this.#log.debug('membership: link ended', fields);
    // Nobody waits any longer for answers of a peer that is silent.
    if (silentMs > 0) session.abort(reason);
    else if (peer.dialledByUs) this.#run(session.close());
    this.#feed({ type: 'lost', link, silentMs });
  }

  #hangUp(link: number, reason: CircuitError, gently: boolean): void {
    const conversation = this.#conversations.get(link);
    if (conversation === undefined) return;
    if (gently) this.#run(this.#told([conversation]).then(() => conversation.end(reason)));
    else conversation.end(reason);
  }

  /** Waits until the peers have heard everything, for the grace time at most. */
  async #told(conversations: readonly Conversation[]): Promise<void> {
    const limit = deadline(this.#clock, this.#options.graceMs ?? 2000, 'goodbye');
    const told = Promise.all(conversations.map((conversation) => conversation.finish()));
    await orAborted(told, limit.signal).catch(ignore);
    limit.dispose();
  }

  async #rename(twin: Member): Promise<void> {
    this.#log.info('membership: an earlier server holds the same key', { id: twin.id, addr: twin.addr });
    try {
      const identity = this.#options.hooks?.onTwin?.(twin);
      if (identity === undefined) throw new CircuitError('conflict', `${twin.id} runs at ${twin.addr} already`);
      this.#identity = await orAborted(Promise.resolve(identity), this.#ending.signal);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#log.error('membership: no other identity', { error: String(error) });
      // Not awaited: closing waits for this very task.
      void this.close();
      return;
    }
    this.#feed({ type: 'renamed', self: this.#newRecord(this.#mesh.self, this.#identity.id) });
  }

  #newRecord(from: MeshOptions['self'], id: string): MemberRecord {
    const { addr, name, version, dc, labels } = from;
    const wallMs = this.#clock.wall();
    return checkRecord({
      ...{ id, addr, name, version, dc, labels },
      joined: new Date(wallMs).toISOString(),
      boot: randomBytes(8).toString('hex'),
      // By the wall clock a restart begins above its former life; if not, it is told and goes above.
      incarnation: Math.max(1, Math.floor(wallMs)),
      left: false,
    });
  }

  #introduce(): Introduction {
    const record = this.#mesh.self;
    const sealed = this.#seal({ record, dead: false });
    if (sealed === undefined) throw new CircuitError('unreachable', 'this server is changing its identity');
    return { identity: this.#identity, record, sealed, wants: (peer) => this.#mesh.wants(peer) };
  }

  #seal({ record, sealed }: Entry): SealedRecord | undefined {
    if (sealed !== undefined) return sealed;
    // Between the two identities of a twin nothing is said.
    if (record.id !== this.#identity.id) return undefined;
    if (this.#sealed?.record !== record) this.#sealed = { record, sealed: sealRecord(this.#identity, record) };
    return this.#sealed.sealed;
  }

  async #within<T>(limitMs: number, what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = deadline(this.#clock, limitMs, what);
    const linked = linkSignals(this.#ending.signal, limit.signal);
    try {
      return await run(linked.signal);
    } finally {
      linked.dispose();
      limit.dispose();
    }
  }

  #run(task: Promise<void>): void {
    const tracked: Promise<void> = task.catch(ignore).finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  #rearm(): void {
    this.#timer?.cancel();
    const dueMs = this.#mesh.nextDueMs;
    if (dueMs === undefined || this.#ending.signal.aborted) return;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.now()), () => this.#feed({ type: 'tick' }));
  }

  /** Says once that a join goes on after a failed dial; one that has ended by it is told by its result. */
  #tellRetry(seed: number, reason: CircuitError): void {
    const pending = this.#joins.get(seed);
    const onRetry = pending?.onRetry;
    if (pending === undefined || onRetry === undefined || this.#ending.signal.aborted) return;
    pending.onRetry = undefined;
    this.#watchers.call(() => onRetry(reason));
    this.#watchers.run();
  }

  #takeJoin(seed: number): Deferred<Joined> | undefined {
    const pending = this.#joins.get(seed);
    this.#joins.delete(seed);
    pending?.release();
    return pending?.result;
  }

  #refuseWhenOver(): void {
    if (this.#leaving !== undefined || this.#closing !== undefined) throw closedError();
  }
}

function checkRecord(record: MemberRecord): MemberRecord {
  const fault = faultOf(record);
  if (fault !== undefined) throw new CircuitError('invalid', fault);
  return record;
}

function closedError(): CircuitError {
  return new CircuitError('closed', 'membership is closed');
}

function ignore(): void {}
