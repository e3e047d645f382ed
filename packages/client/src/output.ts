import { CircuitError, type WaitOptions } from '@circuit/base';
import type { AtElement, ByteSource, OutputRequest, OutputStream } from '@circuit/protocol';
import { type ByteStream, ByteStreamBase, collect, type CollectOptions } from './bytes.js';
import type { Call } from './call.js';
import type { Uplink } from './uplink.js';

/** Bytes of an output that are no longer kept: `from` inclusive, `to` exclusive, as absolute offsets. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** How an output is read. */
export interface OutputOptions extends WaitOptions {
  /** Begin at this absolute offset; `end`: at what is still to come; absent: at the very first (mode `pipe`: the first not yet read). */
  readonly offset?: number | 'end' | undefined;
  /** Go on until the process closes the stream (default); false: only what is there now. */
  readonly follow?: boolean | undefined;
  /** Hears of missing bytes where they are missing; without it the read there rejects with `gap`. */
  readonly onGap?: ((gap: Gap) => void) | undefined;
}

/** The standard output or error of a process: a place to read from, any number of times. Iterating is `open()`. */
export class Output implements AsyncIterable<Uint8Array> {
  readonly #uplink: Uplink;
  readonly #at: AtElement;
  readonly #stream: OutputStream;

  constructor(uplink: Uplink, at: AtElement, stream: OutputStream) {
    this.#uplink = uplink;
    this.#at = at;
    this.#stream = stream;
  }

  /** Begins a reading. The request goes out with the first `read`; the signal ends the whole reading. */
  open(options: OutputOptions = {}): OutputReading {
    return new OutputReading(this.#uplink, this.#at, this.#stream, options);
  }

  /** All of it up to the end, in one piece. */
  bytes({ maxBytes, ...options }: OutputOptions & CollectOptions = {}): Promise<Uint8Array> {
    return collect(this.open(options), { maxBytes, signal: options.signal });
  }

  /** All of it up to the end, as UTF-8. */
  async text(options: OutputOptions & CollectOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.bytes(options));
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.open()[Symbol.asyncIterator]();
  }
}

/** One reading of an output, from its place to the end. */
export class OutputReading extends ByteStreamBase implements ByteStream {
  readonly #uplink: Uplink;
  readonly #request: OutputRequest;
  readonly #options: OutputOptions;
  #call: Call<'output'> | undefined;
  #source: ByteSource | undefined;
  #offset: number | undefined;
  #over = false;

  constructor(uplink: Uplink, at: AtElement, stream: OutputStream, options: OutputOptions) {
    super();
    this.#uplink = uplink;
    this.#options = options;
    this.#request = {
      ...at,
      stream,
      ...(options.offset === undefined ? {} : { offset: options.offset }),
      ...(options.follow === undefined ? {} : { follow: options.follow }),
    };
    if (typeof options.offset === 'number') this.#offset = options.offset;
  }

  /** The absolute offset behind the last byte read; `undefined` before the server has said where the reading begins. */
  get offset(): number | undefined {
    return this.#offset;
  }

  /**
   * The next bytes, or `undefined` at the end. Rejects with `gap` where bytes are missing (and no `onGap` was given): the next call goes on
   * behind them. Rejects with `peer-gone` on a lost link: go on with a new reading at {@link offset}.
   */
  async read({ signal = this.#options.signal }: WaitOptions = {}): Promise<Uint8Array | undefined> {
    if (this.#over) return undefined;
    this.#call ??= await this.#uplink.call('output', this.#request.path, this.#request, { signal });
    for (;;) {
      if (this.#source !== undefined) {
        const chunk = await this.#source.read({ signal });
        if (chunk !== undefined) {
          this.#offset = (this.#offset ?? 0) + chunk.length;
          return chunk;
        }
        this.#source = undefined;
      }
      const heard = await this.#call.next({ signal });
      if (heard.type === 'result') {
        this.#over = true;
        this.#offset = heard.result.offset;
        return undefined;
      }
      heard.ret.close();
      if (heard.event.type === 'segment') {
        this.#source = heard.event.source;
        this.#offset = heard.event.offset;
      } else this.#missed(heard.event);
    }
  }

  cancel(reason?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#source?.cancel(reason);
    this.#call?.cancel(reason);
  }

  #missed({ from, to }: Gap): void {
    this.#offset = to;
    if (this.#options.onGap !== undefined) {
      this.#options.onGap({ from, to });
      return;
    }
    const { stream, path } = this.#request;
    throw new CircuitError('gap', `${stream} ${path}: bytes ${from}–${to} are no longer kept`);
  }
}
