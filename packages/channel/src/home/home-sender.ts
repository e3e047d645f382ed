import type { CircuitError } from '@circuit/base';
import { abandonMessage, failSend } from '../local/abandon.js';
import { End, type EndKind, movedError } from '../local/end.js';
import type { RawSender } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import { swallow } from '../local/swallow.js';
import type { Receiver, Sender, SendOptions } from '../types.js';
import { HomeOut, type LocalOut } from './home-out.js';

interface LocalSender extends Sender, RawSender, LocalOut {
  readonly closed: Promise<void>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  /** Absent for a channel that was born in a session. */
  regain?(): End;
}

class HomeMessages extends HomeOut<LocalSender, unknown, SendOptions, unknown> {
  trySend(value: unknown): boolean {
    const { home, sendRefusal } = this;
    if (home !== undefined) return home.trySend(value);
    if (sendRefusal === undefined) return false;
    this.abandon(value, {}, sendRefusal);
    throw sendRefusal;
  }

  protected pass(local: LocalSender, value: unknown, options: SendOptions): Promise<unknown> {
    return local.sendNow(value, options);
  }

  protected abandon(value: unknown, { returnTo }: SendOptions, reason: CircuitError): void {
    abandonMessage({ value, ret: returnTo ?? swallow }, reason);
  }
}

/** A sender of this process that came home: what was sent from afar goes first. */
export class HomeSender extends End implements Sender, RawSender {
  readonly endKind: EndKind = 'sender';
  readonly #messages: HomeMessages;
  #moved = false;

  private constructor(messages: HomeMessages) {
    super();
    this.#messages = messages;
  }

  static of(...parts: ConstructorParameters<typeof HomeMessages>): HomeSender {
    return new HomeSender(new HomeMessages(...parts));
  }

  begin(): void {
    this.#messages.begin();
  }

  get closed(): Promise<void> {
    return this.#messages.closed;
  }

  get home(): LocalOut | undefined {
    return this.#messages.home;
  }

  get sendRefusal(): CircuitError | undefined {
    return this.#messages.sendRefusal;
  }

  send<A = unknown>(value: unknown, options: SendOptions & { readonly returns: true }): Promise<Receiver<A>>;
  send(value: unknown, options?: SendOptions & { readonly returns?: false | undefined }): Promise<void>;
  send(value: unknown, options: SendOptions = {}): Promise<unknown> {
    return this.#moved ? failSend(movedError(), value, options) : this.#messages.send(value, options);
  }

  sendNow(value: unknown, options: SendOptions): Promise<unknown> {
    return this.#messages.send(value, options);
  }

  trySend(value: unknown): boolean {
    if (!this.#moved) return this.#messages.trySend(value);
    abandonMessage({ value, ret: swallow }, movedError());
    throw movedError();
  }

  onWritable(run: () => void): () => void {
    return this.#messages.onWritable(run, (local) => local.onWritable(run));
  }

  close(): void {
    if (!this.#moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.#moved) this.abortNow(reasonError(reason, 'aborted by the sender'));
  }

  closeNow(): void {
    this.#messages.closeNow();
  }

  abortNow(reason: CircuitError): void {
    this.#messages.abortNow(reason);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
  }

  override regain(): End {
    return this.#messages.home?.regain?.() ?? new HomeSender(this.#messages);
  }
}
