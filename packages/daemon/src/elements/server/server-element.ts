import { type Clock, CircuitError } from '@circuit/base';
import { bytePipe } from '@circuit/channel';
import { protocolVersion, type RequestOf, type ResponseOf, type ServerState } from '@circuit/protocol';
import type { ConnectionBudget } from '@circuit/channel/gateway';
import type { Cluster } from '../../cluster.js';
import type { Call } from '../../dispatch/call.js';
import type { Element, Operations } from '../element.js';
import { serveForward } from './forward.js';
import type { LoadWatch } from './load-watch.js';
import { writeProfile } from './profile.js';

export interface ServerOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly load: LoadWatch;
  /** Bounds the connections held for clients. */
  readonly forwarded: ConnectionBudget;
  /** Ends the daemon; called once an answer to `suicide` is on its way. */
  readonly suicide: () => void;
}

/** The server itself, number 0 at its own anchor. */
export class ServerElement implements Element {
  readonly kind = 'server';
  readonly operations: Operations = {
    servers: () => ({ members: this.#options.cluster.members() }),
    ping: () => this.#ping(),
    env: () => ({ env: Object.entries(process.env).map(([name, value = '']) => `${name}=${value}`) }),
    rejoin: ({ address }, call) => this.#options.cluster.rejoin(address, { signal: call.signal }),
    suicide: () => this.#suicide(),
    profile: (body, call) => this.#profile(body, call),
    forward: (body, call) => serveForward(body, call, this.#options.forwarded, this.#options.clock),
  };
  readonly #options: ServerOptions;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  peek(): ServerState {
    const { cluster, load } = this.#options;
    const { addr, joined, id, name, version, labels, dc } = cluster.self;
    return {
      Addr: addr,
      Joined: joined,
      Id: id,
      Name: name,
      Version: version,
      Labels: labels,
      Dc: dc,
      Load: load.load(),
      LagMs: load.lagMs(),
    };
  }

  scrub(): void {
    throw new CircuitError('conflict', 'a server cannot be scrubbed', { detail: 'wrong-kind' });
  }

  release(): void {}

  #ping(): ResponseOf<'ping'> {
    const { cluster, clock } = this.#options;
    return { id: cluster.self.id, protocol: protocolVersion, wallMs: clock.wall() };
  }

  #suicide(): ResponseOf<'suicide'> {
    const { clock, suicide } = this.#options;
    clock.after(0, suicide);
    return {};
  }

  async #profile(body: RequestOf<'profile'>, call: Call<'profile'>): Promise<ResponseOf<'profile'>> {
    const { clock } = this.#options;
    const { reader, writer } = bytePipe();
    try {
      await call.event({ type: 'open', source: reader });
      await writeProfile(body, writer, { clock, signal: call.signal });
      writer.close();
    } catch (error) {
      writer.abort(error);
      throw error;
    }
    return {};
  }
}
