import type { CircuitError } from '@circuit/base';
import { memoryPair } from '../carriers/memory-pair.js';
import type { Codec, PluggedCodec } from '../codec/codec.js';
import { pipe } from '../local/pipe.js';
import { pumpMessages } from '../local/pump.js';
import type { RawReceiver, RawSender } from '../local/raw.js';
import type { Carrier } from '../session/carrier.js';
import type { Link } from '../session/link.js';
import type { OutMessage } from '../session/out-message.js';
import type { SessionOptions } from '../session/session.js';
import type { Role } from '../session/table.js';
import type { Receiver, Session } from '../types.js';

/** Both ends of a channel inside this process whose values are copied, as between processes. */
export interface Loop {
  readonly sender: OutMessage;
  readonly receiver: Receiver;
}

/** Two sessions that end here. */
type Pair = readonly [Session, Session];

const pairs = new Map<string, Pair>();
const pluggedPairs = new WeakMap<Codec, Map<string, Pair>>();

/**
 * A channel through memory with the codec and the bounds of one that was born in the session of `link`. All such channels share a pair of
 * sessions, which costs nothing while nobody speaks and is never closed.
 */
export function loop(link: Link, codec: Codec): Loop {
  const [near, far] = pairFor(link, codec);
  const sender = near.open({ codec: codec.name }) as unknown as OutMessage;
  const { sender: into, receiver } = pipe();
  // Channels are accepted in the order in which they were opened.
  far.accept().then(
    (accepted) => void pumpMessages(accepted.receiver as unknown as RawReceiver, into as unknown as RawSender),
    (reason: unknown) => into.abort(reason as CircuitError),
  );
  return { sender, receiver };
}

function pairFor(link: Link, codec: Codec): Pair {
  const plugged = 'refusal' in codec;
  let known = plugged ? pluggedPairs.get(codec) : pairs;
  if (known === undefined) pluggedPairs.set(codec, (known = new Map<string, Pair>()));
  // Whoever came home had its place in a table and its bytes counted before; here the window of each channel bounds it.
  const limits = { ...link.limits, maxChannels: Number.MAX_SAFE_INTEGER, maxUnreadBytes: Number.MAX_SAFE_INTEGER };
  const key = JSON.stringify(limits);
  const old = known.get(key);
  if (old !== undefined) return old;
  const made = connect(link, { limits, codecs: plugged ? [codec as PluggedCodec] : [], keepAliveMs: 0 });
  known.set(key, made);
  for (const session of made) void session.closed.then(() => known.delete(key));
  return made;
}

/** A session's class would import this file in a circle: its own session says it. */
function connect(link: Link, options: SessionOptions): Pair {
  const Channels = link.constructor as new (carrier: Carrier, role: Role, options: SessionOptions) => Session;
  const [a, b] = memoryPair('home');
  return [new Channels(a, 'dialler', options), new Channels(b, 'listener', options)];
}
