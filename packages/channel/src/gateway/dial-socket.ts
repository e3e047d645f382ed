import { connect } from 'node:net';
import { checkSignal, type WaitOptions } from '@circuit/base';
import { connected } from '../carriers/socket/connect.js';
import { ReadMemory } from '../carriers/socket/read-memory.js';
import { type SocketAddress, socketName, wantSocketAddress } from './socket-address.js';
import { SocketEnds } from './socket-ends.js';

/** How long the system waits before it asks a silent peer of a carried connection whether it is there. */
const probeAfterMs = 60_000;

/**
 * Connects to a TCP port or a Unix socket. Rejects with what the system says (`unreachable`, `denied` …), `invalid` for what is no
 * address, or the reason of `signal`, and leaves nothing open then.
 */
export async function dialSocket(address: SocketAddress, { signal }: WaitOptions = {}): Promise<SocketEnds> {
  const to = wantSocketAddress(address, 1);
  const name = socketName(to);
  checkSignal(`dial ${name}`, signal);
  const memory = new ReadMemory();
  const socket = connect({
    ...to,
    ...memory.options,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: probeAfterMs,
    allowHalfOpen: true,
  });
  await connected(socket, 'connect', `dial ${name}`, signal);
  return new SocketEnds(socket, name, memory);
}
