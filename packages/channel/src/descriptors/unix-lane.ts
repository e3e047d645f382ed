import { CircuitError, type Clock, type Timer, toCircuitError } from '@circuit/base';
import type { Descriptor } from '../local/descriptor.js';
import type { Native } from '../native/native.js';
import type { Entry } from '../session/entry.js';
import type { Lane } from '../session/lane.js';
import type { Link } from '../session/link.js';
import * as refKind from '../wire/ref-kind.js';
import { FdDescriptor } from './fd-descriptor.js';
import { closeFd, systemError } from './fds.js';
import { LaneArrivals } from './lane-arrivals.js';
import { LaneDepartures } from './lane-departures.js';
import { encodeLane, newToken, numberBytes, tokenBytes } from './lane-frame.js';
import { LaneSocket, laneGone } from './lane-socket.js';
import { type Arrivals, type Held, ArrivingDescriptor } from './passed-descriptor.js';

export interface UnixLaneOptions {
  readonly native: Native;
  readonly clock: Clock;
  /** Where the dialler's lane goes; a listener's comes in. */
  readonly path?: string;
  /** Called with what is here and not taken. */
  readonly onOver?: (held: Iterable<Held>) => void;
}

/** How long a lane may take to be there once it is needed. */
export const openingMs = 10_000;

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
  readonly #arrivals: LaneArrivals;
  readonly #departures = new LaneDepartures();
  #state: State = 'idle';
  #socket: LaneSocket | undefined;
  #peerToken: Uint8Array | undefined;
  #timer: Timer | undefined;

  constructor(options: UnixLaneOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#arrivals = new LaneArrivals(options.path === undefined ? 1 : 0, () => this.#update());
  }

  /** What is announced and missing, what is here and not taken, what waits to be written. */
  get counts(): { readonly expected: number; readonly held: number; readonly leaving: number } {
    return { expected: this.#arrivals.expected, held: this.#arrivals.held, leaving: this.#departures.count };
  }

  agreed(token: Uint8Array): boolean {
    this.#peerToken = token;
    if (this.#socket !== undefined) this.#answer(this.#socket, token);
    return true;
  }

  pass(link: Link, entry: Entry, descriptor: Descriptor): boolean {
    if (this.#state === 'over' || this.#peerToken === undefined || this.#departures.full) return false;
    if (!(descriptor instanceof FdDescriptor) || !descriptor.detachable) return false;
    entry.kind = refKind.descriptor;
    entry.in = undefined;
    void this.#pass(link, entry, descriptor);
    return true;
  }

  accept(link: Link, entry: Entry): ArrivingDescriptor {
    return new ArrivingDescriptor(link, entry, this);
  }

  expect(id: number, half: ArrivingDescriptor): void {
    if (this.#state === 'over') {
      half.missed(laneGone());
      return;
    }
    const fault = this.#arrivals.expect(id, half);
    if (fault === undefined) this.#open();
    else this.#fail(fault);
    this.#update();
  }

  forget(id: number): void {
    this.#arrivals.forget(id);
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

  end(reason: CircuitError, aborted = false): void {
    // What the peer sent before its goodbye is in the kernel by now.
    if (this.#state === 'opening' && this.#options.path !== undefined) this.#hear();
    if (this.#state === 'open') this.#receive();
    // What a peer that fell silent has sent before can still be received.
    this.#fail(reason, aborted && reason.code !== 'peer-gone');
  }

  async #pass(link: Link, entry: Entry, descriptor: FdDescriptor): Promise<void> {
    if (!(await this.#departures.add(link, entry, descriptor))) return;
    if (this.#state === 'over') this.#departures.drop(laneGone());
    this.#open();
    this.#flush();
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
      this.#departures.writable();
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
    while (this.#state === 'open' && this.#arrivals.wanted) {
      const read = this.#socket?.read(numberBytes);
      if (read === undefined || read.kind === 'nothing') return;
      const fault = read.kind === 'failed' ? read.reason : this.#arrivals.take(read);
      if (fault !== undefined) this.#fail(fault);
    }
  }

  #flush(): void {
    if (this.#state !== 'open' || this.#socket === undefined) return;
    const fault = this.#departures.flush(this.#socket);
    if (fault !== undefined) this.#fail(fault);
    this.#update();
  }

  /** Asks for what can be used: nothing is read that nobody announced. */
  #update(): void {
    const dialling = this.#state === 'opening' && this.#options.path !== undefined;
    const open = this.#state === 'open';
    this.#socket?.await(dialling || (open && this.#arrivals.wanted), open && this.#departures.blocked);
  }

  #fail(reason: CircuitError, givenUp = false): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer?.cancel();
    this.#socket?.close();
    this.#departures.drop(reason);
    const held = this.#arrivals.fail(reason, givenUp);
    this.#options.onOver?.(held);
  }
}
