import type { Socket } from 'node:net';
import type { Clock } from '@circuit/base';
import type { Native } from '../native/native.js';
import { laneType } from '../wire/frame.js';
import { closeFd } from './fds.js';
import { decodeLane, laneBytes } from './lane-frame.js';
import { LeftBehind } from './left-behind.js';
import { UnixLane } from './unix-lane.js';

/** A connection that has not said what it is has this long. */
export const firstBytesMs = 10_000;
/** At most this many of them wait; the oldest makes room. */
export const maxWaiting = 1024;

/** Tells the lanes among the connections of a listener and brings them to their sessions. */
export class LaneDoor {
  readonly #native: Native;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, UnixLane>();
  readonly #waiting = new Set<Socket>();
  readonly #left = new LeftBehind();

  constructor(native: Native, clock: Clock) {
    this.#native = native;
    this.#clock = clock;
  }

  /** The lane of a session that came in. */
  lane(): UnixLane {
    const lane = new UnixLane({
      native: this.#native,
      clock: this.#clock,
      onOver: (held) => {
        this.#lanes.delete(hex(lane.token));
        this.#left.add(held);
      },
    });
    this.#lanes.set(hex(lane.token), lane);
    return lane;
  }

  /** Reads the first bytes of `socket`: a lane is taken care of, everything else goes to `begin` as it came. */
  sort(socket: Socket, begin: () => void): void {
    const drop = (): void => void socket.destroy();
    const timer = this.#clock.after(firstBytesMs, drop);
    let bytes: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes[0] === laneType && bytes.length < laneBytes) return;
      leave();
      if (bytes[0] === laneType) this.#adopt(socket, bytes);
      else {
        socket.unshift(bytes);
        begin();
      }
    };
    const leave = (): void => {
      this.#waiting.delete(socket);
      timer.cancel();
      socket.off('readable', look);
      socket.off('end', drop);
      socket.off('close', leave);
      socket.off('error', ignore);
    };
    socket.on('error', ignore);
    socket.on('end', drop);
    socket.on('close', leave);
    socket.on('readable', look);
    this.#waiting.add(socket);
    if (this.#waiting.size <= maxWaiting) return;
    for (const oldest of this.#waiting) {
      oldest.destroy();
      break;
    }
  }

  /** The connection goes on with a descriptor of its own, which libuv does not read: it would drop what comes with the bytes. */
  #adopt(socket: Socket, bytes: Uint8Array): void {
    const { fd = -1 } = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle ?? {};
    const token = decodeLane(bytes);
    const lane = token === undefined ? undefined : this.#lanes.get(hex(token));
    const copy = lane === undefined || fd < 0 ? -1 : this.#native.duplicate(fd);
    socket.on('error', ignore);
    socket.destroy();
    if (copy >= 0 && lane?.adopt(copy) !== true) closeFd(copy);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function ignore(): void {}
