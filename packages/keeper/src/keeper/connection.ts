import type { Socket } from 'node:net';
import { CircuitError, type Logger, toCircuitError, errorRecord } from '@circuit/base';
import { encodeFrame, FrameDecoder } from '../protocol/frames.js';
import {
  type HelloAnswer,
  type KeeperMessage,
  type OutputAnswer,
  protocolVersion,
  type Request,
  validateRequest,
} from '../protocol/messages.js';
import type { HeldProcess } from './held-process.js';
import type { Keeper } from './keeper.js';

/** Events wait in the table, not in the socket, while this many bytes are unsent. */
const quietAboveBytes = 1_048_576;

/** A client that does not read its answers is let go at this many unsent bytes. */
const maxUnsentBytes = 16_777_216;

/** Requests of one connection that have no answer yet. */
const maxPending = 65_536;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly keeper: Keeper;
  readonly bundle: string;
  readonly logger: Logger;
  readonly shutdown: () => void;
  readonly closed: (connection: Connection) => void;
}

type OutputRequest = Extract<Request, { verb: 'output' }>;

/** One daemon at a keeper. Hostile bytes end the connection, never the keeper. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #changed = new Set<HeldProcess>();
  /** The one wait per stream: `<id>/<stream>` to what ends it early. */
  readonly #waits = new Map<string, () => void>();
  readonly #stdins = new Set<HeldProcess>();
  #greeted = false;
  #watching = false;
  #flushing = false;
  #pending = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Begins to serve. */
  open(): void {
    const { socket } = this.#options;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#flushSoon());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#close());
  }

  /** Notes a change for the watcher; several of one process before the next turn are told as one. */
  changed(held: HeldProcess): void {
    if (held.ended) this.#stdins.delete(held);
    if (!this.#watching) return;
    this.#changed.add(held);
    this.#flushSoon();
  }

  /** Ends after what was said so far. */
  end(): void {
    this.#options.socket.end();
  }

  #receive(bytes: Buffer): void {
    for (const frame of this.#decoder.receive(bytes)) {
      const reason = frame.ok ? this.#take(frame.value) : frame.reason;
      if (reason === undefined) continue;
      this.#refuse(reason);
      return;
    }
  }

  /** The reason why the connection must end, if it must. */
  #take(value: unknown): string | undefined {
    const validated = validateRequest(value);
    if (validated.ok) return this.#serve(validated.id, validated.request);
    const { id, reason } = validated;
    if (id === undefined) return reason;
    this.#send({ id, error: errorRecord(new CircuitError('protocol', reason)) });
    return undefined;
  }

  #refuse(reason: string): void {
    const { socket, logger } = this.#options;
    logger.warn('connection ended', { reason });
    this.#send({ id: 0, error: errorRecord(new CircuitError('protocol', reason)) });
    socket.removeAllListeners('data');
    socket.destroySoon();
  }

  #serve(id: number, request: Request): string | undefined {
    if (this.#pending >= maxPending) return `more than ${maxPending} requests without an answer`;
    this.#pending += 1;
    this.#answer(request).then(
      (answer) => this.#reply({ id, answer: answer ?? {} }),
      (error: unknown) => this.#reply({ id, error: errorRecord(toCircuitError(error)) }),
    );
    return undefined;
  }

  #reply(message: KeeperMessage): void {
    this.#pending -= 1;
    this.#send(message);
  }

  async #answer(request: Request): Promise<unknown> {
    const { keeper, shutdown } = this.#options;
    if (request.verb === 'hello') return this.#hello(request.version, request.keepTotalBytes);
    if (!this.#greeted) throw new CircuitError('protocol', 'the first request must be hello');
    switch (request.verb) {
      case 'start':
        return keeper.start(request.process, request.order);
      case 'stdin':
        return this.#stdin(keeper.get(request.process), request.release);
      case 'closeStdin': {
        const held = keeper.get(request.process);
        held.stdin.closeBy(this);
        this.#stdins.delete(held);
        keeper.noteChange(held);
        return undefined;
      }
      case 'signal':
        keeper.signal(keeper.get(request.process), request.signal, request.group);
        return undefined;
      case 'resize':
        keeper.get(request.process).mustRun();
        throw new CircuitError('unsupported', `process ${request.process} has no terminal`);
      case 'watch':
        this.#watching = true;
        return undefined;
      case 'output':
        return this.#output(keeper.get(request.process), request);
      case 'list':
        return keeper.list(request.from);
      case 'forget':
        keeper.forget(keeper.get(request.process));
        return undefined;
      case 'shutdown':
        if (request.kill) keeper.killAll();
        else if (!keeper.idle) throw new CircuitError('conflict', 'processes are running', { detail: 'busy' });
        shutdown();
        return undefined;
    }
  }

  #hello(version: number, keepTotalBytes: number | undefined): HelloAnswer {
    if (version !== protocolVersion) {
      throw new CircuitError('unsupported', `protocol version ${version}; this keeper speaks ${protocolVersion}`);
    }
    this.#greeted = true;
    if (keepTotalBytes !== undefined) this.#options.keeper.keepAtMost(keepTotalBytes);
    return { version: protocolVersion, pid: process.pid, bundle: this.#options.bundle };
  }

  #stdin(held: HeldProcess, release: boolean): { readonly fifo?: string } {
    if (release) {
      held.stdin.release(this);
      this.#stdins.delete(held);
      return {};
    }
    held.mustRun();
    const fifo = held.stdin.claim(this);
    this.#stdins.add(held);
    return { fifo };
  }

  #output(held: HeldProcess, request: OutputRequest): Promise<OutputAnswer> {
    const output = held.output(request.stream);
    if (request.consumed !== undefined) output.consume(request.consumed);
    const answer = (): OutputAnswer => {
      const { startOffset, endOffset, eof } = output.record();
      return { startOffset, endOffset, eof };
    };
    const { after } = request;
    if (after === undefined) return Promise.resolve(answer());
    const key = `${held.id}/${request.stream}`;
    this.#waits.get(key)?.();
    return new Promise((resolve) => {
      const giveUp = output.wait(after, () => {
        this.#waits.delete(key);
        resolve(answer());
      });
      this.#waits.set(key, () => {
        this.#waits.delete(key);
        giveUp();
        resolve(answer());
      });
    });
  }

  #flushSoon(): void {
    if (this.#flushing || this.#changed.size === 0) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const { socket, keeper } = this.#options;
      for (const held of this.#changed) {
        if (socket.writableLength > quietAboveBytes) return;
        this.#changed.delete(held);
        if (keeper.has(held)) this.#send({ event: 'process', process: held.record() });
        else this.#send({ event: 'forgotten', process: held.id });
      }
    });
  }

  #send(message: KeeperMessage): void {
    const { socket, logger } = this.#options;
    if (socket.destroyed || !socket.writable) return;
    const frame = encodeFrame(message);
    if (frame === undefined) {
      logger.error('message too long', { message: Object.keys(message) });
      socket.destroy();
      return;
    }
    socket.write(frame);
    if (socket.writableLength <= maxUnsentBytes) return;
    logger.warn('connection ended', { reason: `the client left ${socket.writableLength} bytes unread` });
    socket.destroy();
  }

  #close(): void {
    this.#watching = false;
    this.#changed.clear();
    for (const held of this.#stdins) held.stdin.release(this);
    for (const giveUp of [...this.#waits.values()]) giveUp();
    this.#options.closed(this);
  }
}
