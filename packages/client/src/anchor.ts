import { CircuitError, isCircuitError, type WaitOptions } from '@circuit/base';
import {
  type ChanState,
  type Cmd,
  type Entry,
  join,
  orThrow,
  parsePath,
  type PeekResponse,
  split,
} from '@circuit/protocol';
import { Chan } from './chan.js';
import { Proc, type ScrubOptions } from './proc.js';
import { Server } from './server.js';
import { noServer } from './call.js';
import type { Uplink } from './uplink.js';

/** An element that an anchor can hold, as a handle. */
export type Element = Server | Proc | Chan;

/** A place in the namespace. Making one costs nothing and asks nobody; whether something is there shows at first use. */
export class Anchor {
  /** The canonical path: `/` for the cluster, else `/X…` and names. */
  readonly path: string;
  protected readonly uplink: Uplink;

  constructor(uplink: Uplink, path: string) {
    this.uplink = uplink;
    this.path = path;
  }

  /** The id of the server this anchor belongs to (`X…`); the dialled server for the root. */
  get serverId(): string {
    return split(this.path)[0] ?? this.uplink.serverId;
  }

  /** The circuit address of that server, once this client has heard of it (`servers()`, `view()` of the root). */
  get addr(): string | undefined {
    return this.uplink.addressOf(this.serverId);
  }

  /** The anchor at `path` below this one; names in an array may hold slashes. No I/O. Throws `invalid` for a malformed path. */
  walk(path: string | readonly string[]): Anchor {
    const names = typeof path === 'string' ? [path] : path;
    return new Anchor(this.uplink, orThrow(parsePath(join(this.path, ...names))).text);
  }

  /** The anchors right below this one, by name; for the root, one for each live server. Rejects with `not-found`. */
  async view({ signal }: WaitOptions = {}): Promise<Map<string, Anchor>> {
    const anchors = new Map<string, Anchor>();
    let after: string | undefined;
    do {
      const page = await this.uplink.ask('ls', this.path, { path: this.path, ...optionalAfter(after) }, { signal });
      for (const { path } of page.entries) anchors.set(nameOf(path), new Anchor(this.uplink, path));
      after = page.next;
    } while (after !== undefined);
    return anchors;
  }

  /** The kind, number and state of the element here, all `null` for an anchor without one. Rejects with `not-found`. */
  peek({ signal }: WaitOptions = {}): Promise<PeekResponse> {
    return this.uplink.ask('peek', this.path, { path: this.path }, { signal });
  }

  /**
   * A handle of the element here, `null` where there is none. Rejects with `unsupported` for a kind this client does not
   * know, `not-found` when the server is unknown.
   */
  async get(options: WaitOptions = {}): Promise<Element | null> {
    let found: PeekResponse;
    try {
      found = await this.peek(options);
    } catch (error) {
      if (isCircuitError(error, 'not-found') && error.detail !== noServer) return null;
      throw error;
    }
    const { kind, element, state } = found;
    if (kind === null || element === null) return null;
    switch (kind) {
      case 'server':
        return new Server(this.uplink, this.path);
      case 'proc':
        return new Proc(this.uplink, this.path, element);
      case 'chan':
        return new Chan(this.uplink, this.path, element, (state as ChanState).Cap);
      default:
        throw new CircuitError('unsupported', `${this.path} holds a ${kind}: this client has no handle for that kind`);
    }
  }

  /** Starts a process on the server of this anchor and puts it here. Rejects with `conflict` where an element is, `cannot-start`. */
  async makeProc(cmd: Cmd, { signal }: WaitOptions = {}): Promise<Proc> {
    this.#mustTakeElements();
    const { element } = await this.uplink.ask('mkproc', this.path, { path: this.path, cmd }, { signal });
    return new Proc(this.uplink, this.path, element);
  }

  /** Makes a channel with room for `capacity` messages (0: a meeting of sender and receiver). Rejects with `conflict` where an element is. */
  async makeChan<T = unknown>(capacity = 0, { signal }: WaitOptions = {}): Promise<Chan<T>> {
    this.#mustTakeElements();
    const { element } = await this.uplink.ask('mkchan', this.path, { path: this.path, capacity }, { signal });
    return new Chan<T>(this.uplink, this.path, element, capacity);
  }

  /** Ends and removes the element here; a process goes on unless `kill` is set. Rejects with `not-found`; with `conflict` for a server. */
  async scrub({ kill, signal }: ScrubOptions = {}): Promise<void> {
    if (this.path === '/') throw outsideOfServers(this.path);
    await this.uplink.ask('scrub', this.path, { path: this.path, ...(kill === true ? { kill } : {}) }, { signal });
  }

  /** Whatever process is here at each call. No I/O; a call rejects when there is none. */
  proc(): Proc {
    return new Proc(this.uplink, this.path);
  }

  /** Whatever channel is here at each call. No I/O; a call rejects when there is none. */
  chan<T = unknown>(): Chan<T> {
    return new Chan<T>(this.uplink, this.path);
  }

  /** The server this anchor belongs to. No I/O. */
  server(): Server {
    return new Server(this.uplink, `/${this.serverId}`);
  }

  #mustTakeElements(): void {
    if (split(this.path).length < 2) throw outsideOfServers(this.path);
  }
}

/** The last name of a path, or of an entry of a listing. */
function nameOf(path: Entry['path']): string {
  return split(path).at(-1) ?? '';
}

function outsideOfServers(path: string): CircuitError {
  return new CircuitError(
    'invalid',
    `cannot create elements outside of servers: ${path} is none of a server's anchors`,
  );
}

function optionalAfter(after: string | undefined): { readonly after?: string } {
  return after === undefined ? {} : { after };
}
