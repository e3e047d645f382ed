import type { CircuitError, WaitOptions } from '@circuit/base';

/** How a value is sent. */
export interface SendOptions extends WaitOptions {
  /** Make a return channel and resolve to its receiving end. */
  readonly returns?: boolean | undefined;
  /** Use this sender as the message's return channel; it is given away. */
  readonly returnTo?: Sender | undefined;
  /** Resolve only when the far side has taken the message (`receive` returned it). */
  readonly acknowledged?: boolean | undefined;
}

/** How a value is awaited. */
export interface ReceiveOptions extends WaitOptions {
  /** `false`: close the message's return channel at once, nobody will answer. */
  readonly returns?: boolean | undefined;
}

/** One message as it arrives. */
export interface Received<T = unknown> {
  readonly done: false;
  readonly value: T;
  /** Where the answer goes; swallows what is sent if the other side asked for none. The taker closes it. */
  readonly ret: Sender;
}

/** The end of a channel: a value, not an error. */
export interface Ended {
  readonly done: true;
  readonly value?: undefined;
  readonly ret?: undefined;
}

/** A message, or the end of the channel. */
export type ReceiveResult<T = unknown> = Received<T> | Ended;

/**
 * The sending end of a channel. Whoever holds it closes it. Sending the end itself in a message moves it: using it
 * afterwards fails with `conflict`.
 */
export interface Sender<T = unknown> {
  /**
   * Sends `value`; resolves when the channel has room for it (unbuffered pipe: when it is taken), with
   * `{ returns: true }` to the receiving end of a fresh return channel, whose messages are `A` by the caller's word. Messages arrive in the order of the calls.
   * Rejects with `closed` after a close, with the other side's reason after its cancel, `peer-gone` when the session
   * broke, `limit` for a value over the message limit, `invalid` for a value that cannot be sent. Given up by its signal
   * the message is delivered whole or not at all; an acknowledged one already written rejects with `outcome-unknown`.
   */
  send<A = unknown>(value: T, options: SendOptions & { readonly returns: true }): Promise<Receiver<A>>;
  /** The same without a return channel. */
  send(value: T, options?: SendOptions & { readonly returns?: false | undefined }): Promise<void>;
  /** Sends `value` if that is possible without waiting. Throws what `send` would reject with. */
  trySend(value: T): boolean;
  /** Ends the channel behind what was sent. Twice is fine. */
  close(): void;
  /** Ends the channel at once with `reason`; what waits undelivered is dropped. */
  abort(reason?: unknown): void;
  /** Resolves when the receiver has taken everything up to the end; rejects with its cancel, an abort or a lost peer. */
  readonly closed: Promise<void>;
  /** Calls `run` once when a `trySend` is worth a try (also at the end); the result withdraws the call. */
  onWritable(run: () => void): () => void;
}

/** The receiving end of a channel. Whoever holds it reads it to its end or cancels it. */
export interface Receiver<T = unknown> extends AsyncIterable<T> {
  /**
   * The next message or the end. Rejects with the sender's reason after an abort, `peer-gone` when the session broke
   * (behind what had already arrived). Several calls are served in their order; one that is given up loses nothing.
   */
  receive(options?: ReceiveOptions): Promise<ReceiveResult<T>>;
  /** A message or the end if one is here, else `undefined`. Throws what `receive` would reject with. */
  tryReceive(options?: { readonly returns?: boolean }): ReceiveResult<T> | undefined;
  /** Refuses everything that has not been taken yet; the sender hears `reason`. Twice is fine. */
  cancel(reason?: unknown): void;
  /** Calls `run` once when a `tryReceive` is worth a try; the result withdraws the call. */
  onReadable(run: () => void): () => void;
}

/** The reading end of a byte stream. Chunks have any size; they may be shared with their writer, so they are not to be changed. */
export interface ByteReader extends AsyncIterable<Uint8Array> {
  /** The next bytes, or `undefined` at the end. */
  read(options?: WaitOptions): Promise<Uint8Array | undefined>;
  /** The next bytes if some are here, `null` at the end, else `undefined`. */
  tryRead(): Uint8Array | null | undefined;
  /** Refuses the rest; the writer hears `reason`. */
  cancel(reason?: unknown): void;
  /** Calls `run` once when a `tryRead` is worth a try; the result withdraws the call. */
  onReadable(run: () => void): () => void;
}

/** The writing end of a byte stream. Whoever holds it closes it. */
export interface ByteWriter {
  /**
   * Writes `chunk`, which must not be changed afterwards (as with Node's streams); resolves when there is room for more.
   * Given up by its signal before any of it went out it rejects and nothing is sent; after that all of it is sent.
   */
  write(chunk: Uint8Array, options?: WaitOptions): Promise<void>;
  /** Ends the stream behind what was written. */
  close(): void;
  /** Ends the stream at once with `reason`. */
  abort(reason?: unknown): void;
  /** Resolves when the reader has read everything up to the end. */
  readonly closed: Promise<void>;
}

/** Both directions of a byte stream; each is closed on its own (half close). */
export interface ByteDuplex {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
}

/** How a channel is opened on a session. */
export interface OpenOptions {
  /** What the channel is for; ≤ 1,024 bytes of UTF-8, readable by a relay. Default `''`. */
  readonly target?: string | undefined;
  /** Stamped by a relay: on whose behalf the channel is opened; ≤ 4,096 bytes. */
  readonly origin?: Uint8Array | undefined;
  /** Name of a codec that both sides know; default `msgpack`. */
  readonly codec?: string | undefined;
}

/** A channel that the other side opened. */
export interface Accepted {
  readonly receiver: Receiver;
  readonly target: string;
  readonly origin: Uint8Array;
  readonly codec: string;
}

/** What a session counts; for status pages and leak checks. */
export interface SessionStats {
  /** Channels and streams in the table. */
  readonly channels: number;
  /** Channels opened by the other side that nobody has accepted yet. */
  readonly unaccepted: number;
  /** Bytes of messages and streams that have arrived and were not taken. */
  readonly unreadBytes: number;
  /** Bytes that wait to be written: for credit, for the writer's turn, in the carrier. */
  readonly unsentBytes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A conversation with one peer that carries any number of channels. */
export interface Session {
  /** Opens a channel towards the peer; waits for nothing. Throws `limit` when the peer's table is full, `closed`, `peer-gone`. */
  open<T = unknown>(options?: OpenOptions): Sender<T>;
  /** The next channel that the peer opened, in the order of opening. Rejects with `closed` or `peer-gone` at the session's end. */
  accept(options?: WaitOptions): Promise<Accepted>;
  /** Writes what was sent, says goodbye and ends; gives up after the grace time. Idempotent. */
  close(): Promise<void>;
  /** Ends at once; everything open fails with `reason`. */
  abort(reason?: CircuitError): void;
  /**
   * Resolves when the peer has said what it takes and, if this side authenticates, has proved its key; rejects with what ended
   * the session before. Nobody has to wait for it: what is sent earlier waits itself.
   */
  readonly ready: Promise<void>;
  /** Resolves when the session is over, with the error that ended it, or `undefined` after a goodbye of either side. */
  readonly closed: Promise<CircuitError | undefined>;
  readonly stats: SessionStats;
  /** Facts about the carrier and who is at its other end. */
  readonly peer: PeerInfo;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the carrier knows of the other side. */
export interface PeerInfo {
  /** `memory`, `tcp`, `unix`, `tls` … */
  readonly carrier: string;
  /** The other side's address as the carrier prints it. */
  readonly address: string;
  /**
   * Who it is, if the carrier knows: the pre-shared key's identity (a string), or what a listener's `authenticate`
   * answered. Absent on plain carriers.
   */
  readonly identity?: unknown;
  /** What the other side's certificate says, where the carrier has verified one. */
  readonly certificate?: CertificateInfo;
  /** Whether the carrier keeps its bytes secret and whole on their way. Absent: it does not. */
  readonly encrypted?: boolean;
  /** Whether the bytes never leave this machine: memory, ports, Unix sockets, loopback. Absent: they may. */
  readonly local?: boolean;
  /** Keying material bound to this connection (RFC 5705, RFC 9266), where the carrier has it. */
  exportKey?(label: string, length: number): Uint8Array;
}

/** A certificate that was verified. */
export interface CertificateInfo {
  /** `O=acme, CN=worker-7`, in the certificate's order. */
  readonly subject: string;
  /** SHA-256 over the certificate, 64 hex digits in lower case. */
  readonly fingerprint: string;
}
