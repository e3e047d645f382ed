/** What a message costs in memory beside its bytes while nobody takes it, roughly. */
export const pieceBytes = 192;

/** What has arrived on a session and nobody has taken: bounded over all its channels, for each of them has a window of its own. */
export class Unread {
  readonly #maxBytes: number;
  #pieces = 0;
  /** As credit counts them. */
  bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of streams, and what follows the first piece of a message; negative: they were taken. */
  add(bytes: number): void {
    this.bytes += bytes;
  }

  /** A message, a piece of one for a relay, a channel that nobody has accepted; negative: it was taken. What costs nothing is the rest of one that is counted. */
  addPiece(cost: number): void {
    this.bytes += cost;
    this.#pieces += Math.sign(cost);
  }

  /** What is wrong when it is too much. */
  get fault(): string | undefined {
    return this.bytes + pieceBytes * this.#pieces > this.#maxBytes
      ? `more than ${this.#maxBytes} unread bytes`
      : undefined;
  }
}
