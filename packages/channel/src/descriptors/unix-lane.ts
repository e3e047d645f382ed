import { CircuitError, type Clock, type Timer, toCircuitError } from '@circuit/base';
import { Deque } from '../local/deque.js';
import type { Descriptor } from '../local/descriptor.js';
import type { Entry } from '../session/entry.js';
import type { Lane } from '../session/lane.js';
import type { Link } from '../session/link.js';
import type { OutBytes } from '../session/out-bytes.js';
import { refKind } from '../wire/frame.js';
import { FdDescriptor } from './fd-descriptor.js';
import { decodeNumber, encodeLane, encodeNumber, newToken, numberBytes, tokenBytes } from './lane-frame.js';
import { LaneSocket } from './lane-socket.js';
import { closeFd, type Native, systemError } from './native.js';
import { type Arrivals, Held, UnixInDescriptor } from './passed-descriptor.js';

export interface UnixLaneOptions {
  readonly native: Native;
  readonly clock: Clock;
  /** Where the dialler's lane goes; a listener's comes in. */
  readonly path?: string;
  /** Called with what is here and not taken. */
  readonly onOver?: (held: Iterable<Held>) => void;
}

/** Descriptors of one session that arrived and that nobody has taken; further ones wait in the kernel. */
const maxHeldDescriptors = 64;
/** Descriptors of one session that wait to be written; for further ones a byte stream stands in. */
const maxQueuedDescriptors = 1024;
/** How long a lane may take to be there once it is needed. */
const openingMs = 10_000;

interface Leaving {
  readonly link: Link;
  readonly entry: Entry;
  readonly out: OutBytes;
  readonly fd: number;
}

/**
 * The second connection of a session on a Unix socket, which brings descriptors.
 *
 *     idle ─needed: the dialler dials, the listener waits─▶ opening ─the peer's token─▶ open
 *     idle | opening | open ─fault, timeout, end of the session─▶ over
 */
type State = 'idle' | 'opening' | 'open' | 'over';

export class UnixLane implements Lane, Arrivals {
  readonly token: Uint8Array = newToken();
  readonly clock: Clock;
  readonly #options: UnixLaneOptions;
  readonly #expected = new Map<number, UnixInDescriptor>();
  readonly #queue = new Deque<Leaving>();
  readonly #held = new Set<Held>();
  /** What the lane brought before the session brought its announcement. Until that comes no more is read. */
  #early: { readonly id: number; readonly fd: number | undefined } | undefined;
  /** The highest number that was announced; they ascend. */
  #announced = 0;
  #state: State = 'idle';
  #socket: LaneSocket | undefined;
  #peerToken: Uint8Array | undefined;
  #timer: Timer | undefined;
  /** Descriptors whose numbers are on their way to the queue, and those in it. */
  #leaving = 0;
  #blocked = false;

  constructor(options: UnixLaneOptions) {
    this.#options = options;
    this.clock = options.clock;
  }

  /** What is announced and missing, what is here and not taken, what waits to be written. */
  get counts(): { readonly expected: number; readonly held: number; readonly leaving: number } {
    return { expected: this.#expected.size, held: this.#held.size, leaving: this.#leaving };
  }

  agreed(token: Uint8Array): void {
    this.#peerToken = token;
    if (this.#socket !== undefined) this.#answer(this.#socket, token);
  }

  pass(link: Link, entry: Entry, descriptor: Descriptor): boolean {
    if (this.#state === 'over' || this.#peerToken === undefined || this.#leaving >= maxQueuedDescriptors) return false;
    if (!(descriptor instanceof FdDescriptor) || !descriptor.detachable) return false;
    entry.kind = refKind.descriptor;
    entry.in = undefined;
    // The session's goodbye waits for it.
    link.countUnsent(1);
    this.#leaving++;
    void this.#enqueue(link, entry, descriptor);
    return true;
  }

  accept(link: Link, entry: Entry): UnixInDescriptor {
    return new UnixInDescriptor(link, entry, this);
  }

  expect(id: number, half: UnixInDescriptor): void {
    if (this.#state === 'over') {
      half.missed(laneGone());
      return;
    }
    this.#announced = id;
    const early = this.#early;
    if (early !== undefined && early.id <= id) {
      this.#early = undefined;
      if (early.id === id) {
        this.#arrived(half, early.fd);
        this.#update();
        return;
      }
      if (early.fd !== undefined) closeFd(early.fd);
      this.#fail(notAnnounced(early.id));
      half.missed(laneGone());
      return;
    }
    this.#expected.set(id, half);
    this.#open();
    this.#update();
  }

  forget(id: number): void {
    this.#expected.delete(id);
    this.#update();
  }

  /** A connection that came in with this lane's token; taken over if it is the first. */
  adopt(fd: number): boolean {
    if (this.#socket !== undefined || this.#state === 'over' || this.#options.path !== undefined) return false;
    this.#state = 'opening';
    const socket = this.#watch(fd);
    if (socket !== undefined && this.#peerToken !== undefined) this.#answer(socket, this.#peerToken);
    return true;
  }

  end(reason: CircuitError): void {
    // What the peer sent before its goodbye is in the kernel by now.
    if (this.#state === 'opening' && this.#options.path !== undefined) this.#hear();
    if (this.#state === 'open') this.#receive();
    this.#fail(reason);
  }

  async #enqueue(link: Link, entry: Entry, descriptor: FdDescriptor): Promise<void> {
    const out = entry.out as OutBytes;
    try {
      const fd = await descriptor.detach();
      const leaving: Leaving = { link, entry, out, fd };
      this.#queue.push(leaving);
      if (this.#state === 'over') this.#drop(laneGone());
      this.#open();
      this.#flush();
    } catch (error) {
      out.abortNow(toCircuitError(error));
      this.#left(link);
    }
  }

  /** Begins to make the connection, once. */
  #open(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'opening';
    this.#timer = this.clock.after(openingMs, () => {
      this.#fail(new CircuitError('timeout', `no lane for descriptors within ${openingMs} ms`, { retryable: true }));
    });
    const { path, native } = this.#options;
    if (path === undefined) return;
    const fd = native.connect(path);
    if (fd < 0) {
      this.#fail(systemError(`dial the lane of unix ${path}`, fd));
      return;
    }
    const socket = this.#watch(fd);
    if (socket?.write(encodeLane(this.#peerToken ?? this.token)) !== 'written') this.#fail(laneGone());
    this.#update();
  }

  #watch(fd: number): LaneSocket | undefined {
    try {
      this.#socket = new LaneSocket(this.#options.native, fd, (readable, writable) => this.#ready(readable, writable));
      return this.#socket;
    } catch (error) {
      this.#fail(toCircuitError(error));
      return undefined;
    }
  }

  /** The listener's part of the greeting. */
  #answer(socket: LaneSocket, token: Uint8Array): void {
    if (this.#options.path !== undefined || this.#state === 'over') return;
    if (socket.write(token) === 'written') this.#opened();
    else this.#fail(laneGone());
  }

  #opened(): void {
    this.#state = 'open';
    this.#timer?.cancel();
    this.#flush();
    this.#update();
  }

  #ready(readable: boolean, writable: boolean): void {
    if (readable && this.#state === 'opening') this.#hear();
    else if (readable) this.#receive();
    if (writable) {
      this.#blocked = false;
      this.#flush();
    }
    this.#update();
  }

  /** The dialler hears whether it has reached the listener of its session. */
  #hear(): void {
    const read = this.#socket?.read(tokenBytes);
    if (read === undefined || read.kind === 'nothing') return;
    if (read.kind === 'failed') {
      this.#fail(read.reason);
      return;
    }
    read.fds.forEach(closeFd);
    if (read.fds.length === 0 && Buffer.compare(read.bytes, this.token) === 0) this.#opened();
    else this.#fail(new CircuitError('denied', 'the lane for descriptors leads to somebody else'));
  }

  #receive(): void {
    while (this.#state === 'open' && this.#wanted) {
      const read = this.#socket?.read(numberBytes);
      if (read === undefined || read.kind === 'nothing') return;
      if (read.kind === 'failed') {
        this.#fail(read.reason);
        return;
      }
      const { bytes, fds, cut } = read;
      const id = bytes.length === numberBytes ? decodeNumber(bytes) : 0;
      const half = this.#expected.get(id);
      if ((half === undefined && !this.#mayBeAnnounced(id)) || (!cut && fds.length === 0)) {
        fds.forEach(closeFd);
        this.#fail(notAnnounced(id));
        return;
      }
      if (cut) fds.forEach(closeFd);
      const fd = cut ? undefined : fds[0];
      if (half === undefined) {
        this.#early = { id, fd };
        return;
      }
      this.#expected.delete(id);
      this.#arrived(half, fd);
    }
  }

  /** Whether something announced is missing, and there is room for it. */
  get #wanted(): boolean {
    return this.#expected.size > 0 && this.#held.size < maxHeldDescriptors && this.#early === undefined;
  }

  /** Nothing orders two connections: a number may overtake the message that announces it. */
  #mayBeAnnounced(id: number): boolean {
    const parity = this.#options.path === undefined ? 1 : 0;
    return id > this.#announced && Number.isSafeInteger(id) && id % 2 === parity;
  }

  #arrived(half: UnixInDescriptor, fd: number | undefined): void {
    if (fd === undefined) {
      half.missed(new CircuitError('limit', 'a descriptor was cut off: this process may open no more files'));
      return;
    }
    const held = new Held(fd, this.#heldLeft);
    this.#held.add(held);
    half.arrived(held);
  }

  readonly #heldLeft = (held: Held): void => {
    this.#held.delete(held);
    this.#update();
  };

  #flush(): void {
    while (this.#state === 'open' && !this.#blocked) {
      const next = this.#queue.first();
      if (next === undefined) return;
      const { out, entry, fd, link } = next;
      if (out.sendRefusal !== undefined) {
        this.#dropFirst(laneGone());
        continue;
      }
      const result = this.#socket?.write(encodeNumber(entry.id), fd);
      if (result === 'full') {
        this.#blocked = true;
        this.#update();
        return;
      }
      if (result === 'written') {
        this.#queue.shift();
        closeFd(fd);
        out.closeNow();
        this.#left(link);
      } else if (result?.lane === false) this.#dropFirst(result.reason);
      else this.#fail(result?.reason ?? laneGone());
    }
  }

  #drop(reason: CircuitError): void {
    while (this.#queue.length > 0) this.#dropFirst(reason);
  }

  #dropFirst(reason: CircuitError): void {
    const leaving = this.#queue.shift();
    if (leaving === undefined) return;
    closeFd(leaving.fd);
    leaving.out.abortNow(reason);
    this.#left(leaving.link);
  }

  #left(link: Link): void {
    this.#leaving--;
    link.countUnsent(-1);
  }

  /** Asks for what can be used: nothing is read that nobody announced. */
  #update(): void {
    const wanted = this.#wanted;
    const dialling = this.#state === 'opening' && this.#options.path !== undefined;
    this.#socket?.await(dialling || (this.#state === 'open' && wanted), this.#state === 'open' && this.#blocked);
  }

  #fail(reason: CircuitError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer?.cancel();
    this.#socket?.close();
    this.#drop(reason);
    if (this.#early?.fd !== undefined) closeFd(this.#early.fd);
    this.#early = undefined;
    const expected = [...this.#expected.values()];
    this.#expected.clear();
    for (const half of expected) half.missed(reason);
    this.#options.onOver?.(this.#held);
  }
}

function notAnnounced(id: number): CircuitError {
  return new CircuitError('protocol', `a descriptor with number ${id} that was not announced, or none`);
}

function laneGone(): CircuitError {
  return new CircuitError('peer-gone', 'the lane for descriptors is gone');
}
