import { connect, type Socket } from 'node:net';
import { CircuitError, type Deferred, deferred, orAborted, type WaitOptions } from '@circuit/base';
import { readProcessRecord } from '../protocol/answers.js';
import { encodeFrame, FrameDecoder, maxFrameBytes } from '../protocol/frames.js';
import { protocolVersion, type Request } from '../protocol/messages.js';
import type { ProcessEvent } from './types.js';

interface Pending {
  readonly answer: Deferred<unknown>;
  /** Whether the kernel has taken the whole request; else the keeper cannot have acted on it. */
  sent: boolean;
}

/** One connection to one keeper: requests with their answers, and events. */
export class KeeperLink {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #closed = deferred();
  readonly #onEvent: (event: ProcessEvent) => void;
  #nextId = 1;
  #failure: CircuitError | undefined;

  /** Takes the socket over; {@link dialKeeper} makes one. */
  constructor(socket: Socket, onEvent: (event: ProcessEvent) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(new CircuitError('peer-gone', `keeper: ${error.message}`)));
    socket.on('close', () => this.#fail(new CircuitError('peer-gone', 'the keeper closed the connection')));
  }

  /** Resolves when the connection is over, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Asks and waits for the answer. Rejects with the keeper's own error, `peer-gone` when the connection was over before the
   * request was out, `outcome-unknown` when it broke in between, `limit` for a request over 1 MiB.
   */
  call(request: Request, { signal }: WaitOptions = {}): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#nextId;
    const frame = encodeFrame({ id, ...request });
    if (frame === undefined) {
      return Promise.reject(new CircuitError('limit', `${request.verb}: larger than ${maxFrameBytes} bytes`));
    }
    this.#nextId += 1;
    const answer = deferred<unknown>();
    const pending = { answer, sent: false };
    this.#pending.set(id, pending);
    this.#socket.write(frame, (error) => {
      pending.sent = !error;
    });
    return orAborted(answer.promise, signal);
  }

  /** Ends the connection; the keeper and its processes go on. */
  close(): Promise<void> {
    this.#socket.destroy();
    return this.closed;
  }

  #receive(bytes: Buffer): void {
    for (const frame of this.#decoder.receive(bytes)) {
      if (!frame.ok || !this.#take(frame.value)) {
        const reason = frame.ok ? 'a malformed message' : frame.reason;
        this.#fail(new CircuitError('protocol', `keeper: ${reason}`));
        this.#socket.destroy();
        return;
      }
    }
  }

  /** False when the message makes no sense. Events of a kind not known here come from a later keeper and are passed over. */
  #take(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const message = value as Readonly<Record<string, unknown>>;
    if (message.event === 'forgotten' && typeof message.process === 'string') {
      this.#onEvent({ kind: 'forgotten', id: message.process });
      return true;
    }
    if (message.event === 'process') {
      const process = readProcessRecord(message.process);
      if (process !== undefined) this.#onEvent({ kind: 'process', process });
      return process !== undefined;
    }
    if (typeof message.id !== 'number') return typeof message.event === 'string';
    const answer = this.#pending.get(message.id)?.answer;
    if (answer === undefined) return false;
    this.#pending.delete(message.id);
    if ('error' in message) answer.reject(CircuitError.fromRecord(message.error));
    else answer.resolve(message.answer);
    return true;
  }

  #fail(failure: CircuitError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    const { message } = failure;
    for (const { answer, sent } of this.#pending.values()) {
      if (!sent) answer.reject(failure);
      else answer.reject(new CircuitError('outcome-unknown', `${message} before it answered`, { cause: failure }));
    }
    this.#pending.clear();
    this.#closed.resolve();
  }
}

export interface DialKeeperOptions extends WaitOptions {
  /** The bound that the keeper takes over for all output that it logs. */
  readonly keepTotalBytes: number;
  readonly onEvent: (event: ProcessEvent) => void;
}

/** Connects and greets. Rejects with `unreachable` when nobody listens, `unsupported` for another version. */
export async function dialKeeper(
  socketPath: string,
  { keepTotalBytes, onEvent, signal }: DialKeeperOptions,
): Promise<KeeperLink> {
  const socket = connect(socketPath);
  const connected = deferred();
  socket.once('connect', () => connected.resolve());
  socket.once('error', (error) => {
    connected.reject(new CircuitError('unreachable', `dial keeper ${socketPath}: ${error.message}`, { cause: error }));
  });
  try {
    await orAborted(connected.promise, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const link = new KeeperLink(socket, onEvent);
  try {
    await link.call({ verb: 'hello', version: protocolVersion, keepTotalBytes }, { signal });
  } catch (error) {
    await link.close();
    throw error;
  }
  return link;
}
