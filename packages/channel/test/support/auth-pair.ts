import { ChannelSession, type Carrier, memoryPair, type PeerInfo, type SessionOptions } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';

export const secret: Uint8Array = new Uint8Array(32).map((_, i) => i);
export const dialAuth = { identity: 'worker-7', key: secret };
export const listenAuth = {
  keyFor: (identity: string): Uint8Array | undefined => (identity === 'worker-7' ? secret : undefined),
};

/** A way to look at, and to change, what passes between two carriers in one direction. */
export type Tap = (chunk: Uint8Array, count: number) => readonly Uint8Array[];

/** `carrier` with other facts about its peer, and a tap on what is written to it. */
export function dressed(carrier: Carrier, peer: Partial<PeerInfo> = {}, tap?: Tap): Carrier {
  let count = 0;
  return {
    peer: { ...carrier.peer, ...peer },
    get bufferedBytes() {
      return carrier.bufferedBytes;
    },
    schedule: (run) => carrier.schedule(run),
    start: (events) => carrier.start(events),
    write(pieces, bytes) {
      if (tap === undefined) {
        carrier.write(pieces, bytes);
        return;
      }
      const whole = new Uint8Array(Buffer.concat(pieces));
      for (const piece of tap(whole, count++)) if (piece.length > 0) carrier.write([piece], piece.length);
    },
    end: () => carrier.end(),
    destroy: () => carrier.destroy(),
  };
}

export interface AuthPair {
  readonly dialler: ChannelSession;
  readonly listener: ChannelSession;
}

interface Sides {
  readonly dial?: SessionOptions;
  readonly listen?: SessionOptions;
  readonly dialPeer?: Partial<PeerInfo>;
  readonly listenPeer?: Partial<PeerInfo>;
  readonly dialTap?: Tap;
  readonly listenTap?: Tap;
}

/** Two sessions in memory that authenticate, unless told otherwise. */
export function authPair({ dial, listen, dialPeer, listenPeer, dialTap, listenTap }: Sides = {}): AuthPair {
  const [a, b] = memoryPair();
  return {
    dialler: new ChannelSession(dressed(a, dialPeer, dialTap), 'dialler', {
      keepAliveMs: 0,
      auth: keyAuth(dialAuth),
      ...dial,
    }),
    listener: new ChannelSession(dressed(b, listenPeer, listenTap), 'listener', {
      keepAliveMs: 0,
      auth: keyAuth(listenAuth),
      ...listen,
    }),
  };
}
