import { isCircuitError, type Random, randomInt } from '@circuit/base';
import {
  type Accepted,
  bytePipe,
  type ByteReader,
  type ByteWriter,
  pipe,
  type Receiver,
  type Sender,
  type Session,
} from '@circuit/channel';

/**
 * A program that uses a session in every way there is: opens channels and sends what holds ends, takes what comes in and does
 * something with every end that it gets. What it does is told by `random`, so the same numbers make the same program.
 */
export class Exercise {
  /** What is under way; at the end of its session nothing may be. */
  readonly pending: Set<string> = new Set();
  /** Errors that no program should see, whatever the peer says. */
  readonly surprises: unknown[] = [];
  #count = 0;
  readonly #session: Session;
  readonly #random: Random;
  /** Ends that are held and never touched until the session ends. */
  readonly #held: unknown[] = [];

  constructor(session: Session, random: Random) {
    this.#session = session;
    this.#random = random;
    if (this.#pick(5) > 0) this.#begin('accept', this.#accept());
    for (let i = 0; i < 3; i++) this.#begin('open', this.#open(i));
  }

  /** Runs `work`; how it fails is the peer's affair as long as it says so in a `CircuitError`. */
  #begin(what: string, work: Promise<unknown>): void {
    const name = `${what} ${this.#count++}`;
    this.pending.add(name);
    work
      .catch((error: unknown) => {
        if (!isCircuitError(error)) this.surprises.push(error);
      })
      .finally(() => this.pending.delete(name));
  }

  #pick(sides: number): number {
    return randomInt(this.#random, sides);
  }

  async #accept(): Promise<void> {
    for (;;) {
      const accepted: Accepted = await this.#session.accept();
      this.#begin('receive accepted', this.#receive(accepted.receiver));
    }
  }

  async #open(target: number): Promise<void> {
    const sender = this.#session.open({ target: `t${target}`, codec: this.#pick(3) === 0 ? 'json' : 'msgpack' });
    this.#begin('closed', sender.closed);
    this.#begin('answers', this.#answers(await sender.send({ n: target, at: new Date(0) }, { returns: true })));
    await sender.send([pipe().sender, pipe().receiver, bytePipe().reader, this.#source(), { io: bytePipe().writer }]);
    const stop = new AbortController();
    this.#begin(
      'send large',
      sender.send(new Uint8Array(66_000 + this.#pick(this.#pick(4) === 0 ? 400_000 : 9000)), { signal: stop.signal }),
    );
    this.#begin('send acknowledged', sender.send('taken?', { acknowledged: true }));
    if (this.#pick(3) === 0) stop.abort();
    if (this.#pick(4) === 0) sender.abort(new Error('enough'));
    else sender.close();
  }

  async #answers(receiver: Receiver): Promise<void> {
    if (this.#pick(5) === 0) receiver.cancel(new Error('not any more'));
    else await this.#receive(receiver);
  }

  async #receive(receiver: Receiver): Promise<void> {
    if (this.#pick(8) === 0) {
      this.#held.push(receiver);
      return;
    }
    for (;;) {
      const message = await receiver.receive({ returns: this.#pick(4) !== 0 });
      if (message.done) return;
      this.#use(message.value);
      this.#begin('answer', this.#answer(message.ret, message.value));
      if (this.#pick(20) === 0) receiver.cancel();
    }
  }

  async #answer(ret: Sender, value: unknown): Promise<void> {
    switch (this.#pick(4)) {
      case 0:
        ret.abort(new Error('no answer'));
        return;
      case 1:
        await ret.send(typeof value === 'object' ? { again: pipe().sender } : value);
        break;
      case 2:
        await ret.send(['answer', this.#handed(value)]);
        break;
      default:
        break;
    }
    ret.close();
  }

  /** Does something with every end in `value`. */
  #use(value: unknown): void {
    if (value === null || typeof value !== 'object') return;
    const end = value as Partial<Sender & Receiver & ByteReader & ByteWriter>;
    if (this.#pick(6) === 0) this.#held.push(value);
    else if (typeof end.send === 'function') this.#begin('use sender', this.#answer(value as Sender, 'used'));
    else if (typeof end.receive === 'function') this.#begin('use receiver', this.#receive(value as Receiver));
    else if (typeof end.read === 'function') this.#begin('use reader', readAll(value as ByteReader));
    else if (typeof end.write === 'function') this.#begin('use writer', this.#write(value as ByteWriter));
    else if (!ArrayBuffer.isView(value)) for (const field of Object.values(value)) this.#use(field);
  }

  /** An end in `value`, which goes on with the answer: home, where it came from the peer. */
  #handed(value: unknown): unknown {
    const ends = Array.isArray(value) ? value.filter((item) => typeof item === 'object') : [null];
    return ends[this.#pick(Math.max(1, ends.length))];
  }

  async #write(writer: ByteWriter): Promise<void> {
    this.#begin('writer closed', writer.closed);
    for (let i = this.#pick(4); i > 0; i--)
      await writer.write(new Uint8Array(1 + this.#pick(this.#pick(8) === 0 ? 100_000 : 900)));
    if (this.#pick(3) === 0) writer.abort(new Error('cut'));
    else writer.close();
  }

  #source(): ByteReader {
    const { reader, writer } = bytePipe();
    this.#begin('source', this.#write(writer));
    return reader;
  }
}

async function readAll(reader: ByteReader): Promise<void> {
  while ((await reader.read()) !== undefined);
}
