import { type CircuitError, toCircuitError } from '@circuit/base';
import { Deque } from '../local/deque.js';
import type { Entry } from '../session/entry.js';
import type { Link } from '../session/link.js';
import type { OutBytes } from '../session/out-bytes.js';
import type { FdDescriptor } from './fd-descriptor.js';
import { closeFd } from './fds.js';
import { encodeNumber } from './lane-frame.js';
import { type LaneSocket, laneGone } from './lane-socket.js';

/** Descriptors of one session that wait to be written; for further ones a byte stream stands in. */
export const maxQueuedDescriptors = 1024;

interface Leaving {
  readonly link: Link;
  readonly entry: Entry;
  readonly out: OutBytes;
  readonly fd: number;
}

/** The descriptors of one session that wait to be written to its lane, in the order in which they can be had. */
export class LaneDepartures {
  readonly #queue = new Deque<Leaving>();
  /** Descriptors whose numbers are on their way to the queue, and those in it. */
  #count = 0;
  #blocked = false;

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= maxQueuedDescriptors;
  }

  /** Whether the kernel takes no more until the lane is writable. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Takes `descriptor` over; answers whether it is in the queue, or could not be had. */
  async add(link: Link, entry: Entry, descriptor: FdDescriptor): Promise<boolean> {
    // The session's goodbye waits for it.
    link.countUnsent(1);
    this.#count++;
    const out = entry.out as OutBytes;
    try {
      this.#queue.push({ link, entry, out, fd: await descriptor.detach() });
      return true;
    } catch (error) {
      out.abortNow(toCircuitError(error));
      this.#left(link);
      return false;
    }
  }

  writable(): void {
    this.#blocked = false;
  }

  /** Writes what the kernel takes; answers with why the lane is broken. */
  flush(socket: LaneSocket): CircuitError | undefined {
    for (let next = this.#queue.first(); next !== undefined && !this.#blocked; next = this.#queue.first()) {
      const { out, entry, fd, link } = next;
      if (out.state !== 'open') {
        this.#dropFirst(laneGone());
        continue;
      }
      const result = socket.write(encodeNumber(entry.id), fd);
      if (result === 'full') this.#blocked = true;
      else if (result === 'written') {
        this.#queue.shift();
        closeFd(fd);
        out.closeNow();
        this.#left(link);
      } else if (result.lane) return result.reason;
      else this.#dropFirst(result.reason);
    }
    return undefined;
  }

  /** Nothing in the queue will be written. */
  drop(reason: CircuitError): void {
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
    this.#count--;
    link.countUnsent(-1);
  }
}
