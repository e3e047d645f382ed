import { type CircuitError, systemClock, toCircuitError } from '@circuit/base';
import type { Descriptor } from '../local/descriptor.js';
import type { Entry } from '../session/entry.js';
import type { Lane } from '../session/lane.js';
import type { Link } from '../session/link.js';
import type { OutBytes } from '../session/out-bytes.js';
import * as refKind from '../wire/ref-kind.js';
import { FdDescriptor } from './fd-descriptor.js';
import { closeFd } from './fds.js';
import { newToken } from './lane-frame.js';
import { laneGone } from './lane-socket.js';
import { type Arrivals, ArrivingDescriptor, Held } from './passed-descriptor.js';

/** The lanes of two sessions in this process that are joined in memory: open files go from one to the other as they are. */
export function memoryLanes(): [Lane, Lane] {
  const [a, b] = [new MemoryLane(), new MemoryLane()];
  a.join(b);
  b.join(a);
  return [a, b];
}

class MemoryLane implements Lane, Arrivals {
  readonly clock = systemClock;
  readonly #expected = new Map<number, ArrivingDescriptor>();
  /** What was handed over before the session brought its announcement. */
  readonly #early = new Map<number, number>();
  /** What arrived and nobody has taken. */
  readonly #held = new Set<Held>();
  #token: Uint8Array | undefined;
  #other: MemoryLane | undefined;
  #state: 'idle' | 'open' | 'over' = 'idle';

  join(other: MemoryLane): void {
    this.#other = other;
  }

  get token(): Uint8Array {
    this.#token ??= newToken();
    return this.#token;
  }

  /** Another peer than that of the lane is behind somebody who passes on what the carriers say. */
  agreed(token: Uint8Array): boolean {
    const joined = this.#other !== undefined && Buffer.compare(token, this.#other.token) === 0;
    if (joined && this.#state === 'idle') this.#state = 'open';
    return joined;
  }

  pass(link: Link, entry: Entry, descriptor: Descriptor): boolean {
    if (this.#state !== 'open' || !(descriptor instanceof FdDescriptor) || !descriptor.detachable) return false;
    entry.kind = refKind.descriptor;
    entry.in = undefined;
    void this.#pass(link, entry, descriptor);
    return true;
  }

  accept(link: Link, entry: Entry): ArrivingDescriptor {
    return new ArrivingDescriptor(link, entry, this);
  }

  expect(id: number, half: ArrivingDescriptor): void {
    const fd = this.#early.get(id);
    this.#early.delete(id);
    if (fd !== undefined) this.#arrived(half, fd);
    else if (this.#state === 'over') half.missed(laneGone());
    else this.#expected.set(id, half);
  }

  forget(id: number): void {
    this.#expected.delete(id);
  }

  end(reason: CircuitError, aborted = false): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    for (const fd of this.#early.values()) closeFd(fd);
    this.#early.clear();
    const expected = [...this.#expected.values()];
    this.#expected.clear();
    for (const half of expected) half.missed(reason);
    if (!aborted || reason.code === 'peer-gone') return;
    for (const held of [...this.#held]) if (!held.received) held.close(reason);
  }

  async #pass(link: Link, entry: Entry, descriptor: FdDescriptor): Promise<void> {
    // The session's goodbye waits for it.
    link.countUnsent(1);
    const out = entry.out as OutBytes;
    try {
      const fd = await descriptor.detach();
      if (out.state === 'open') this.#other?.receive(entry.id, fd);
      else closeFd(fd);
      out.closeNow();
    } catch (error) {
      out.abortNow(toCircuitError(error));
    }
    link.countUnsent(-1);
  }

  /** Takes `fd` over. */
  receive(id: number, fd: number): void {
    const half = this.#expected.get(id);
    this.#expected.delete(id);
    if (half !== undefined) this.#arrived(half, fd);
    else if (this.#state === 'over') closeFd(fd);
    else this.#early.set(id, fd);
  }

  #arrived(half: ArrivingDescriptor, fd: number): void {
    const held = new Held(fd, (one) => this.#held.delete(one));
    this.#held.add(held);
    half.arrived(held);
  }
}
