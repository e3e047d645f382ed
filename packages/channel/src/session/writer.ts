import { release } from '../local/buffer-pool.js';
import { resolved } from '../local/resolved.js';
import { copyBelowBytes, headerBytes } from '../wire/frame.js';
import { varintLength, writeVarint } from '../wire/varint.js';
import { view } from '../wire/view.js';

/** What has frames to write and takes its turn: one frame a turn. */
export interface Turn {
  /** Writes one frame; answers whether another is ready now. */
  writeNext(): boolean;
}

/** Where the writer's bytes go. */
export interface Outlet {
  /** Takes over `pieces`, in order, as one write. `true`: the memory of all that was written may be used again. */
  write(pieces: Uint8Array[], bytes: number): unknown;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly bufferedBytes: number;
}

/** Staging begins small and grows with use, so that an idle session costs little; up to what one read brings a relay, with headers. */
const firstStagingBytes = 2048;
const stagingBytes = 66_560;
/**
 * A turn that makes more than this is written in parts, each four times as large as the one before: the peer works on the first
 * answers while the others are still being made.
 */
const firstPartBytes = 4096;
/** A turn of at most so many frames says little: two requests, or the answers to two. */
const fewFrames = 4;
/** At most this much waits in the carrier before channels have to queue. */
export const highWaterBytes = 262_144;
/** Frames that need no credit (answers to the peer) may pile up to this before the session ends. */
export const overflowBytes = 16_777_216;

/**
 * Collects the frames of one turn into one write and lets channels take turns when the carrier is full. `schedule` runs its
 * argument at the end of the current turn. While turns say little, what the first promise jobs of one say does not wait
 * for that: who asks one thing at a time would wait for code that could run while the peer is at work.
 */
export class Writer {
  readonly #outlet: Outlet;
  readonly #schedule: (run: () => void) => void;
  readonly #ring: Turn[] = [];
  #ringHead = 0;
  #pieces: Uint8Array[] = [];
  #staging = new Uint8Array(firstStagingBytes);
  #from = 0;
  #at = 0;
  #staged = 0;
  /** How much is staged before it is written ahead of the end of the turn. */
  #part = firstPartBytes;
  /** Asked for the end of this turn. */
  #scheduled = false;
  /** The turn before this one said little, and nothing of this one is written ahead of its end. */
  #hasty = true;
  /** How many this turn has made. */
  #frames = 0;
  #stopped = false;
  /** What arrives is being taken: the answers to it, which nobody waits for, go with what is said about it. */
  receiving = false;
  /** Handed over so far. */
  bytesOut = 0;
  /** The memory of all that was written last may be used again. */
  reusable = false;
  /** Set when so much waits that the peer must be ignoring us. */
  overflowed = false;

  constructor(outlet: Outlet, schedule: (run: () => void) => void) {
    this.#outlet = outlet;
    this.#schedule = schedule;
  }

  /** Whether channels have to queue. */
  get saturated(): boolean {
    return this.#staged + this.#outlet.bufferedBytes >= highWaterBytes;
  }

  /** What is not with the operating system yet; nothing once it is stopped, whatever a dead carrier still holds. */
  get bufferedBytes(): number {
    return this.#stopped ? 0 : this.#staged + this.#outlet.bufferedBytes;
  }

  /** Puts `turn` at the end of the ring. The caller sees to it that it stands there once. */
  enlist(turn: Turn): void {
    this.#ring.push(turn);
    this.#wake();
  }

  /** Begins a frame whose payload has `payloadBytes` bytes; answers with where the payload starts in `buffer`. */
  begin(type: number, id: number, payloadBytes = 0, separateBytes = 0): number {
    const length = varintLength(id) + payloadBytes;
    // Here every frame before this one is whole.
    if (this.#staged >= this.#part && this.#outlet.bufferedBytes === 0) {
      this.#part *= 4;
      this.flush();
    }
    let at = this.#room(headerBytes + length);
    const buffer = this.#staging;
    const whole = length + separateBytes;
    buffer[at] = type;
    buffer[at + 1] = whole >>> 16;
    buffer[at + 2] = whole >>> 8;
    buffer[at + 3] = whole;
    at = writeVarint(buffer, at + headerBytes, id);
    this.#at = at + payloadBytes;
    this.#staged += headerBytes + length;
    this.#frames++;
    this.#wake();
    if (this.#hasty && !this.receiving) {
      this.#hasty = false;
      void resolved.then(this.flush);
    }
    return at;
  }

  /** The buffer that `begin` answered for; valid until the next call of the writer. */
  get buffer(): Uint8Array {
    return this.#staging;
  }

  /** A frame whose body stands at the end of its payload; `owned` bodies are not copied when large. */
  withBody(type: number, id: number, front: number, body: Uint8Array, owned: boolean): number {
    if (owned && body.length >= copyBelowBytes) {
      const at = this.begin(type, id, front, body.length);
      this.#cut();
      this.#pieces.push(body);
      this.#staged += body.length;
      return at;
    }
    const at = this.begin(type, id, front + body.length);
    this.#staging.set(body, at + front);
    return at;
  }

  /** The carrier took something: goes on. */
  drained(): void {
    this.#wake();
  }

  /** Writes what is staged now. */
  readonly flush = (): void => {
    if (this.#staged === 0 || this.#stopped) return;
    this.#cut();
    const pieces = this.#pieces;
    const bytes = this.#staged;
    this.#pieces = [];
    this.#staged = 0;
    this.bytesOut += bytes;
    this.reusable = this.#outlet.write(pieces, bytes) === true;
    if (this.reusable) this.#from = this.#at = 0;
    release(pieces, this.reusable);
    if (this.#outlet.bufferedBytes > overflowBytes) this.overflowed = true;
  };

  /** Drops everything. */
  stop(): void {
    this.#stopped = true;
    this.#pieces = [];
    this.#ring.length = 0;
    this.#ringHead = 0;
    this.#staged = 0;
  }

  #room(bytes: number): number {
    if (this.#staging.length - this.#at < bytes) {
      this.#cut();
      const grown = Math.min(stagingBytes, 4 * this.#staging.length);
      this.#staging = new Uint8Array(Math.max(grown, bytes));
      this.#from = 0;
      this.#at = 0;
      if (this.#staged > overflowBytes) this.overflowed = true;
    }
    return this.#at;
  }

  /** Ends the current piece of the staging buffer. */
  #cut(): void {
    if (this.#at === this.#from) return;
    this.#pieces.push(view(this.#staging, this.#from, this.#at));
    this.#from = this.#at;
  }

  #wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.#turns();
    this.flush();
    this.#part = firstPartBytes;
    this.#hasty = this.#frames <= fewFrames;
    this.#frames = 0;
  };

  #turns(): void {
    const ring = this.#ring;
    if (ring.length === 0) return;
    while (this.#ringHead < ring.length && !this.saturated) {
      const turn = ring[this.#ringHead++] as Turn;
      if (turn.writeNext()) ring.push(turn);
      if (this.#ringHead > 1024 && this.#ringHead * 2 > ring.length) {
        ring.splice(0, this.#ringHead);
        this.#ringHead = 0;
      }
    }
    if (this.#ringHead === ring.length) {
      ring.length = 0;
      this.#ringHead = 0;
    }
  }
}
