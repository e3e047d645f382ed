import { CircuitError } from '@circuit/base';
import { closeFd } from './fds.js';
import { decodeNumber, numberBytes } from './lane-frame.js';
import { type LaneBytes, laneGone } from './lane-socket.js';
import { Held, type ArrivingDescriptor } from './passed-descriptor.js';

/** Descriptors of one session that arrived and that nobody has taken; further ones wait in the kernel. */
export const maxHeldDescriptors = 64;

/** The descriptors of one session that its peer announced, those that its lane brought, and which belong together. */
export class LaneArrivals {
  readonly #expected = new Map<number, ArrivingDescriptor>();
  readonly #held = new Set<Held>();
  /** What the lane brought before the session brought its announcement. Until that comes no more is read. */
  #early: { readonly id: number; readonly fd: number | undefined } | undefined;
  /** The highest number that was announced; they ascend. */
  #announced = 0;
  /** Whether the peer's numbers are odd. */
  readonly #parity: 0 | 1;
  readonly #onTaken: () => void;

  /** `parity` is that of the peer's numbers; `onTaken` hears that there may be room again. */
  constructor(parity: 0 | 1, onTaken: () => void) {
    this.#parity = parity;
    this.#onTaken = onTaken;
  }

  /** What is announced and missing. */
  get expected(): number {
    return this.#expected.size;
  }

  /** What is here and not taken. */
  get held(): number {
    return this.#held.size;
  }

  /** Whether something announced is missing, and there is room for it. */
  get wanted(): boolean {
    return this.#expected.size > 0 && this.#held.size < maxHeldDescriptors && this.#early === undefined;
  }

  /** The descriptor of `half` is announced; answers with the fault of one that came before. */
  expect(id: number, half: ArrivingDescriptor): CircuitError | undefined {
    this.#announced = id;
    const early = this.#early;
    if (early === undefined || early.id > id) {
      this.#expected.set(id, half);
      return undefined;
    }
    this.#early = undefined;
    if (early.id === id) {
      this.#arrived(half, early.fd);
      return undefined;
    }
    if (early.fd !== undefined) closeFd(early.fd);
    half.missed(laneGone());
    return notAnnounced(early.id);
  }

  forget(id: number): void {
    this.#expected.delete(id);
  }

  /** What one read of the lane brought, descriptors and all; answers with its fault. */
  take({ bytes, fds, cut }: LaneBytes): CircuitError | undefined {
    const id = bytes.length === numberBytes ? decodeNumber(bytes) : 0;
    const half = this.#expected.get(id);
    if ((half === undefined && !this.#mayBeAnnounced(id)) || (!cut && fds.length === 0)) {
      fds.forEach(closeFd);
      return notAnnounced(id);
    }
    if (cut) fds.forEach(closeFd);
    const fd = cut ? undefined : fds[0];
    if (half === undefined) {
      this.#early = { id, fd };
      return undefined;
    }
    this.#expected.delete(id);
    this.#arrived(half, fd);
    return undefined;
  }

  /** Nothing more arrives; answers with what is here and not taken. `givenUp`: what was not received is closed. */
  fail(reason: CircuitError, givenUp: boolean): Iterable<Held> {
    if (this.#early?.fd !== undefined) closeFd(this.#early.fd);
    this.#early = undefined;
    const expected = [...this.#expected.values()];
    this.#expected.clear();
    for (const half of expected) half.missed(reason);
    if (givenUp) for (const held of [...this.#held]) if (!held.received) held.close(reason);
    return this.#held;
  }

  /** Nothing orders two connections: a number may overtake the message that announces it. */
  #mayBeAnnounced(id: number): boolean {
    return id > this.#announced && Number.isSafeInteger(id) && id % 2 === this.#parity;
  }

  #arrived(half: ArrivingDescriptor, fd: number | undefined): void {
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
    this.#onTaken();
  };
}

function notAnnounced(id: number): CircuitError {
  return new CircuitError('protocol', `a descriptor with number ${id} that was not announced, or none`);
}
