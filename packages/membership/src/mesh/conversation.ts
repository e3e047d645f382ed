import { type Clock, CircuitError, toCircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { compareRecords, type SealedRecord } from '../record.js';
import type { Entry, LinkPeer } from './events.js';
import type { Greeted } from './handshake.js';
import { messageLimits, readMessage, type WireEntry } from './message.js';
import { Pulse } from './pulse.js';
import type { MeshSettings } from './settings.js';

/** What a conversation reports; after `ended` nothing more. */
export interface ConversationEvents {
  heard(entries: readonly Entry[]): void;
  /** `silentMs`: for how long nothing had been heard when it was given up for that; 0 for any other end. */
  ended(reason: CircuitError, silentMs: number): void;
}

/** What a conversation needs of its owner. */
export interface ConversationOptions extends Pick<MeshSettings, 'beatMs' | 'silentBeats'> {
  readonly clock: Clock;
  readonly seal: (entry: Entry) => SealedRecord | undefined;
}

/** The exchange of entries with one peer. What waits to be told is one entry for each server at most, however slow the peer. */
export class Conversation {
  readonly session: Session;
  readonly peer: LinkPeer;
  readonly #greeted: Greeted;
  readonly #seal: (entry: Entry) => SealedRecord | undefined;
  readonly #pulse: Pulse;
  readonly #waiting = new Map<string, Entry>();
  #events: ConversationEvents | undefined;
  #telling: Promise<void> | undefined;
  #over = false;

  constructor(session: Session, greeted: Greeted, { seal, ...timing }: ConversationOptions) {
    this.session = session;
    this.peer = greeted.peer;
    this.#greeted = greeted;
    this.#seal = seal;
    this.#pulse = new Pulse({
      ...timing,
      bytesIn: () => session.stats.bytesIn,
      beat: () => {
        // Whatever is on its way says it as well.
        this.#telling ??= this.#beat();
      },
      silent: (silentMs) => {
        this.#end(new CircuitError('peer-gone', `${this.peer.id}: no sign of life for ${silentMs} ms`), silentMs);
      },
    });
  }

  /** Begins to listen. Called once. */
  start(events: ConversationEvents): void {
    this.#events = events;
    this.#pulse.start();
    void this.#listen();
  }

  /** Queues `entries`; of one server only the greatest stays in the queue. */
  tell(entries: readonly Entry[]): void {
    if (this.#over) return;
    for (const entry of entries) {
      const waiting = this.#waiting.get(entry.record.id);
      const order = waiting === undefined ? 1 : compareRecords(entry.record, waiting.record);
      if (order > 0 || (order === 0 && entry.dead)) this.#waiting.set(entry.record.id, entry);
    }
    this.#telling ??= this.#drain();
  }

  /** Resolves when the peer has taken everything that was told, or the conversation is over. */
  async finish(): Promise<void> {
    await this.#telling;
    if (this.#over) return;
    this.#greeted.out.close();
    await this.#greeted.out.closed.catch(ignore);
  }

  /** Ends it at once; the peer hears `reason`. */
  end(reason: CircuitError): void {
    this.#end(reason, 0);
  }

  #end(reason: CircuitError, silentMs: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#pulse.stop();
    this.#waiting.clear();
    this.#greeted.out.abort(reason);
    this.#greeted.in.cancel(reason);
    this.#events?.ended(reason, silentMs);
  }

  async #listen(): Promise<void> {
    try {
      for (let first = true; ; first = false) {
        const received = await this.#greeted.in.receive({ returns: false });
        if (received.done) throw new CircuitError('closed', `${this.peer.id} ended its membership channel`);
        const message = readMessage(received.value);
        if (typeof message === 'string') throw new CircuitError('protocol', `membership: ${message}`);
        if (message.type !== 'entries') throw new CircuitError('protocol', `membership: a second ${message.type}`);
        if (this.#over) return;
        // Later on, no entries are a beat.
        if (first || message.entries.length > 0) this.#events?.heard(message.entries);
      }
    } catch (error) {
      this.end(toCircuitError(error));
    }
  }

  async #beat(): Promise<void> {
    try {
      await this.#greeted.out.send({ type: 'entries', entries: [] });
    } catch (error) {
      this.end(toCircuitError(error));
      return;
    }
    await this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.size > 0 && !this.#over) {
        const entries: WireEntry[] = [];
        for (const [id, entry] of this.#waiting) {
          if (entries.length === messageLimits.entries) break;
          this.#waiting.delete(id);
          const sealed = this.#seal(entry);
          if (sealed !== undefined) entries.push({ ...sealed, dead: entry.dead });
        }
        await this.#greeted.out.send({ type: 'entries', entries });
      }
    } catch (error) {
      this.end(toCircuitError(error));
    } finally {
      this.#telling = undefined;
    }
  }
}

function ignore(): void {}
