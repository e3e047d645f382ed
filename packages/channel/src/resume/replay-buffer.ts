/** A subarray of this size at most becomes one piece: a segment holds whole pieces. */
const pieceBytes = 1_048_576;

/**
 * What one side has said and the other has not confirmed, in the pieces in which it was said. Positions count bytes from
 * the beginning of the conversation. Takes over what is pushed; nothing is copied.
 */
export class ReplayBuffer {
  #pieces: Uint8Array[] = [];
  /** The first piece kept, and the first not yet handed out; pieces before the head are gone. */
  #head = 0;
  #next = 0;
  #start = 0;
  #end = 0;

  /** Position of the first byte kept. */
  get start(): number {
    return this.#start;
  }

  /** Position behind the last byte. */
  get end(): number {
    return this.#end;
  }

  get size(): number {
    return this.#end - this.#start;
  }

  push(piece: Uint8Array): void {
    this.#end += piece.length;
    if (piece.length <= pieceBytes) {
      if (piece.length > 0) this.#pieces.push(piece);
      return;
    }
    for (let at = 0; at < piece.length; at += pieceBytes) this.#pieces.push(piece.subarray(at, at + pieceBytes));
  }

  /** Everything before `position` has arrived; it must lie between `start` and `end`. */
  confirm(position: number): void {
    let left = position - this.#start;
    this.#start = position;
    while (left > 0) {
      const piece = this.#pieces[this.#head] as Uint8Array;
      if (piece.length > left) {
        this.#pieces[this.#head] = piece.subarray(left);
        break;
      }
      left -= piece.length;
      this.#pieces[this.#head++] = none;
    }
    if (this.#next < this.#head) this.#next = this.#head;
    if (this.#head > 256 && this.#head * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#head);
      this.#next -= this.#head;
      this.#head = 0;
    }
  }

  /** Everything kept is to be handed out again. */
  rewind(): void {
    this.#next = this.#head;
  }

  /** The pieces that have not been handed out since the last `rewind`. */
  take(): Uint8Array[] {
    const pieces = this.#pieces.slice(this.#next);
    this.#next = this.#pieces.length;
    return pieces;
  }

  clear(): void {
    this.#pieces = [];
    this.#head = this.#next = 0;
    this.#start = this.#end;
  }
}

const none = new Uint8Array(0);
