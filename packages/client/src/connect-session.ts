import { CircuitError, type Clock, systemClock, type WaitOptions } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { protocolVersion } from '@circuit/protocol';
import { Cluster } from './cluster.js';
import { Uplink } from './uplink.js';

/** How a cluster is joined over a session that is there already. */
export interface ConnectSessionOptions extends WaitOptions {
  /** The address that was dialled. */
  readonly addr: string;
  readonly clock?: Clock;
}

/**
 * The cluster at the other end of `session`, which is the cluster's from here on (also when this rejects). Rejects with `unsupported` when
 * the server speaks another version of the protocol.
 */
export async function connectSession(
  session: Session,
  { addr, clock = systemClock, signal }: ConnectSessionOptions,
): Promise<Cluster> {
  try {
    const uplink = new Uplink(session, clock);
    const protocol = await uplink.greet({ signal });
    if (protocol !== protocolVersion)
      throw new CircuitError(
        'unsupported',
        `${addr} speaks version ${protocol} of the protocol, this client ${protocolVersion}: update the older one`,
      );
    return new Cluster(uplink, addr);
  } catch (error) {
    void session.close();
    throw error;
  }
}
