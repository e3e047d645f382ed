import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Receiver, type Sender, serve, type Session } from '@circuit/channel';
import { ask, take } from '@circuit/channel/conformance';
import type { Descriptor } from '@circuit/channel/descriptors';
import { dialUnix, listenUnix, type Listener, type UnixOptions } from '@circuit/channel/unix';
import { until } from '@circuit/testkit';
import { expect } from 'vitest';
import { fdsBackTo, openFds } from './unix-pair.js';

/** A listener that strangers reach, with a session that nothing may happen to. */
export class Victim {
  readonly path: string;
  /** A file to pass. */
  readonly file: string;
  /** Open descriptors before. */
  readonly before: number;
  readonly #folder: string;
  readonly #sessions: Session[] = [];
  #listener: Listener | undefined;
  #other: Session | undefined;
  #echo: Sender | undefined;
  #handedOut = 0;

  constructor() {
    this.before = openFds();
    this.#folder = mkdtempSync(join(tmpdir(), 'victim-'));
    this.path = join(this.#folder, 's');
    this.file = join(this.#folder, 'file');
    writeFileSync(this.file, '0123456789');
  }

  static async listen(options: Omit<UnixOptions, 'path'> = {}): Promise<Victim> {
    const victim = new Victim();
    await victim.#begin(options);
    return victim;
  }

  /** The next session that comes in. */
  async next(): Promise<Session> {
    const index = this.#handedOut++;
    await until('a session', () => index < this.#sessions.length);
    return this.#sessions[index] as Session;
  }

  openFile(): number {
    return openSync(this.file, 'r');
  }

  /** The list of descriptors that the next message of `receiver` is. */
  async descriptors(receiver: Receiver): Promise<Descriptor[]> {
    return (await take(receiver)).value as Descriptor[];
  }

  /** The other session goes on; with everything closed no descriptor is left over. */
  async unharmed(): Promise<void> {
    expect(await ask(this.#echo as Sender, 'still there?')).toBe('still there?');
    for (const session of this.#sessions) session.abort();
    this.#other?.abort();
    await this.#listener?.close();
    rmSync(this.#folder, { recursive: true });
    await fdsBackTo(this.before);
  }

  async #begin(options: Omit<UnixOptions, 'path'>): Promise<void> {
    const { path } = this;
    this.#listener = await listenUnix({ path, ...options }, (session) => void this.#sessions.push(session));
    this.#other = await dialUnix({ path });
    const taken = await this.next();
    this.#echo = this.#other.open();
    const { receiver } = await taken.accept();
    void serve(receiver, (value, ret) => ret.send(value)).catch(() => undefined);
  }
}
