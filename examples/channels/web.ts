import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CircuitError, isCircuitError, serve, type Session } from '@circuit/channel';
import { dialWebSocket } from '@circuit/channel/websocket';
import { type Authenticate, mountWebSocket } from '@circuit/channel/websocket-listener';

const users = new Map([['Bearer s3cret', 'ann']]);

async function greet(session: Session): Promise<void> {
  const { receiver } = await session.accept();
  await serve(receiver, (_, ret) => ret.send(`hello, ${String(session.peer.identity)}`));
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}

// Sessions come in at one path of an ordinary web server, for requests that `authenticate` lets in.
const server = createServer((_, response) => response.end('a page\n'));
const authenticate: Authenticate = ({ headers }) => {
  const identity = users.get(headers.authorization ?? '');
  return identity === undefined ? { refuse: 401, challenge: 'Bearer' } : { identity };
};
const mounted = mountWebSocket(
  server,
  { path: '/channels', authenticate },
  (session) => void greet(session).catch(ended),
);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

// A program says who it is in a header. A page cannot: it sends its cookies, and only pages of this server come in.
const url = `ws://127.0.0.1:${port}/channels`;
const session = await dialWebSocket({ url, headers: { authorization: 'Bearer s3cret' } });
const greetings = session.open();
const answers = await greetings.send<string>('who am I?', { returns: true });
console.log((await answers.receive()).value);
greetings.close();
await session.close();

await dialWebSocket({ url }).catch((error: unknown) => {
  console.log('without a header denied:', isCircuitError(error, 'denied'));
});
mounted.close();
server.close();
