import type { Clock } from '@circuit/base';
import { type ConnectionBudget, serveGateway, type SocketAddress } from '@circuit/channel/gateway';
import { type ForwardRequest, orThrow, parseSocketTarget, type ResponseOf, type SocketTarget } from '@circuit/protocol';
import type { Call } from '../../dispatch/call.js';

/**
 * Connects to one address as often as the client asks, until it wants no more or has gone. What is open by then ends with
 * its streams.
 */
export async function serveForward(
  { address }: ForwardRequest,
  call: Call<'forward'>,
  budget: ConnectionBudget,
  clock: Clock,
): Promise<ResponseOf<'forward'>> {
  const target = orThrow(parseSocketTarget(address));
  const requests = await call.ask({ type: 'ready' });
  const mayDial = (asked: SocketAddress): boolean => same(asked, target);
  await serveGateway(requests, { mayDial, budget, clock, signal: call.signal });
  return {};
}

function same(a: SocketAddress, b: SocketTarget): boolean {
  if ('path' in a) return 'path' in b && a.path === b.path;
  return 'host' in b && a.host === b.host && a.port === b.port;
}
