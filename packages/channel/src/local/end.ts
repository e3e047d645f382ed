import { CircuitError } from '@circuit/base';

/** What an end lets its holder do. */
export type EndKind = 'sender' | 'receiver' | 'reader' | 'writer' | 'descriptor';

/** Everything that may stand in a message and is handed over rather than copied. */
export abstract class End {
  /** What who gets it may do with it. @internal */
  abstract readonly endKind: EndKind;
  /** Takes the end out of the holder's hands; throws `conflict` if it has been moved before. @internal */
  abstract move(): void;
  /**
   * A fresh handle of what this one was moved from, for an end that comes home; its pump, if it waits for more, hears of an end.
   * Absent where an end cannot come home. @internal
   */
  regain?(): End;

  /** For log lines: what it is, and nothing of the session that it belongs to. */
  toJSON(): object {
    return { end: this.endKind };
  }
}

/** What the use of an end fails with that its holder has given away. */
export function movedError(): CircuitError {
  return new CircuitError('conflict', 'this end was sent away in a message', { detail: 'moved' });
}

/** A web or Node stream in a message. */
export type ForeignStream =
  | { readonly kind: 'web-readable'; readonly stream: ReadableStream<Uint8Array> }
  | { readonly kind: 'web-writable'; readonly stream: WritableStream<Uint8Array> }
  | { readonly kind: 'node'; readonly stream: NodeStream; readonly readable: boolean; readonly writable: boolean };

/** As much of a Node stream as is used; the core imports nothing of Node. */
export interface NodeStream extends AsyncIterable<Uint8Array | string> {
  readonly readableEnded?: boolean;
  readonly writableEnded?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: Error | null;
  /** `false` where a stream of both classes was made without that side; not where the side has merely ended. */
  readonly _readableState?: { readonly readable?: boolean };
  readonly _writableState?: { readonly writable?: boolean };
  write(chunk: Uint8Array, done?: (error?: Error | null) => void): boolean;
  end(done?: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(error?: Error): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** Whether `value` is a stream that is carried as a byte stream; told by its methods. */
export function asForeignStream(value: object): ForeignStream | undefined {
  const has = (name: string): boolean => typeof (value as Record<string, unknown>)[name] === 'function';
  if (has('getReader')) return { kind: 'web-readable', stream: value as ReadableStream<Uint8Array> };
  if (has('getWriter')) return { kind: 'web-writable', stream: value as WritableStream<Uint8Array> };
  if (!has('on') || !has('destroy')) return undefined;
  const stream = value as NodeStream;
  // A piped stdin or stdout is a socket, with all its methods and one side.
  const readable = has('read') && has('pipe') && stream._readableState?.readable !== false;
  const writable = has('write') && has('end') && stream._writableState?.writable !== false;
  if (!readable && !writable) return undefined;
  return { kind: 'node', stream, readable, writable };
}
