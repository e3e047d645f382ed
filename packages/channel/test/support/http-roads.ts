import type { Session } from '@circuit/channel';
import { type DialHttp2Options, dialHttp2, listenHttp2, type ListenHttp2Options } from '@circuit/channel/http2';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { collect, openChannel } from '@circuit/channel/conformance';
import type { Listener, OnSession } from '@circuit/channel/tcp';
import { expect } from 'vitest';

/** Both carriers over HTTP, which let in and refuse alike. */
export interface HttpRoad {
  readonly name: string;
  readonly dial: (options: DialHttp2Options) => Promise<Session>;
  readonly listen: (options: ListenHttp2Options, onSession: OnSession) => Promise<Listener>;
}

export const httpRoads: readonly HttpRoad[] = [
  { name: 'websocket', dial: dialWebSocket, listen: listenWebSocket },
  { name: 'http2', dial: dialHttp2, listen: listenHttp2 },
];

/** A few messages from one side to the other. */
export async function works(a: Session, b: Session): Promise<void> {
  const { sender, receiver } = await openChannel(a, b);
  const sent = Promise.all([sender.send('hello'), sender.send(new Uint8Array(300_000))]);
  sender.close();
  const [greeting, bytes] = await collect(receiver);
  // Compared by length: the assertion looks at each of 300,000 bytes for a second.
  expect([greeting, (bytes as Uint8Array).length]).toStrictEqual(['hello', 300_000]);
  await sent;
}
