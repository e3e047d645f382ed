/** Bytes of the largest frame body, both ways. */
export const maxFrameBytes = 1_048_576;

const headerBytes = 4;

/** One step of decoding: a JSON value, or the reason why the connection must end. */
export type Frame = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** The bytes of one frame: a u32 (big endian) length and that many bytes of JSON; undefined when it would be too long. */
export function encodeFrame(value: unknown): Buffer | undefined {
  const body = JSON.stringify(value);
  const length = Buffer.byteLength(body);
  if (length > maxFrameBytes) return undefined;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame.writeUInt32BE(length, 0);
  frame.write(body, headerBytes);
  return frame;
}

/**
 * Cuts a byte stream into frames. Holds at most one frame and one piece. After the first `ok: false` it is spent and
 * yields nothing more: what follows hostile bytes has no meaning.
 */
export class FrameDecoder {
  #pieces: Uint8Array[] = [];
  #held = 0;
  #wanted = headerBytes;
  #inBody = false;
  #spent = false;

  /** The frames that `bytes` completes, in order. Never throws. */
  *receive(bytes: Uint8Array): Generator<Frame> {
    if (this.#spent) return;
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    while (this.#held >= this.#wanted) {
      const part = this.#take(this.#wanted);
      if (this.#inBody) {
        this.#inBody = false;
        this.#wanted = headerBytes;
        const frame = parse(part);
        if (!frame.ok) this.#spend();
        yield frame;
        if (!frame.ok) return;
      } else {
        const length = part.readUInt32BE(0);
        if (length === 0 || length > maxFrameBytes) {
          this.#spend();
          yield { ok: false, reason: `frame of ${length} bytes; allowed are 1 to ${maxFrameBytes}` };
          return;
        }
        this.#inBody = true;
        this.#wanted = length;
      }
    }
  }

  #spend(): void {
    this.#spent = true;
    this.#pieces = [];
    this.#held = 0;
  }

  #take(length: number): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const whole = Buffer.from(all?.buffer ?? new ArrayBuffer(0), all?.byteOffset ?? 0, all?.byteLength ?? 0);
    const rest = whole.subarray(length);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    return whole.subarray(0, length);
  }
}

function parse(body: Buffer): Frame {
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) };
  } catch {
    return { ok: false, reason: `frame of ${body.length} bytes is not JSON` };
  }
}
