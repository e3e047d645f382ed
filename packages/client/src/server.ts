import type { WaitOptions } from '@circuit/base';
import type { ProfileName, RejoinResponse, ServerState } from '@circuit/protocol';
import { CircuitError } from '@circuit/base';
import { ByteReading, collect, type CollectOptions } from './bytes.js';
import { Forwarding } from './forwarding.js';
import type { Uplink } from './uplink.js';

/** How a profile is taken. */
export interface ProfileOptions extends CollectOptions {
  /** How long to sample, for `cpu`, in milliseconds. */
  readonly ms?: number;
}

/** A daemon of the cluster. */
export class Server {
  readonly kind = 'server';
  readonly path: string;
  readonly #uplink: Uplink;

  constructor(uplink: Uplink, path: string) {
    this.#uplink = uplink;
    this.path = path;
  }

  /** What it is and how it fares. */
  async peek({ signal }: WaitOptions = {}): Promise<ServerState> {
    return (await this.#uplink.ask('peek', this.path, { path: this.path }, { signal })).state as ServerState;
  }

  /** The environment of the daemon, `NAME=VALUE` each: what processes inherit. */
  async env({ signal }: WaitOptions = {}): Promise<readonly string[]> {
    return (await this.#uplink.ask('env', this.path, {}, { signal })).env;
  }

  /** What is inside the running daemon, as bytes: `stack`, `cpu`, `heap` or `handles`. */
  async profile(name: ProfileName, { ms, maxBytes, signal }: ProfileOptions = {}): Promise<Uint8Array> {
    const call = await this.#uplink.call(
      'profile',
      this.path,
      { name, ...(ms === undefined ? {} : { ms }) },
      { signal },
    );
    const heard = await call.next({ signal });
    if (heard.type === 'result') throw new CircuitError('protocol', `profile ${this.path}: nothing came`);
    heard.ret.close();
    const bytes = await collect(new ByteReading(heard.event.source), { maxBytes, signal });
    await call.result({ signal });
    return bytes;
  }

  /**
   * Connections of that daemon to `address` (`HOST:PORT` or `unix:/PATH`), as its host's network has them; see {@link Forwarding}. Nothing is
   * dialled yet. Whoever opens it closes it. Rejects with `invalid`, `denied` for a key that may only look, `not-found` for an unknown server.
   */
  forward(address: string, { signal }: WaitOptions = {}): Promise<Forwarding> {
    return Forwarding.open(this.#uplink, this.path, address, { signal });
  }

  /** Merges its cluster with that of the server at `address`; `changed` is false when it was the same. */
  rejoin(address: string, { signal }: WaitOptions = {}): Promise<RejoinResponse> {
    return this.#uplink.ask('rejoin', this.path, { address }, { signal });
  }

  /** Ends that daemon: it announces its leave, and processes go on without it. */
  async suicide({ signal }: WaitOptions = {}): Promise<void> {
    await this.#uplink.ask('suicide', this.path, {}, { signal });
  }
}
