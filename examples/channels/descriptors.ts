import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type CircuitError, serve, type Session } from '@circuit/channel';
import { type Descriptor, descriptorOf, openStream } from '@circuit/channel/descriptors';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const path = process.argv[2] ?? '/tmp/hand-over';

/** A worker gets connections that another process has accepted, and talks with their clients itself. */
async function work(session: Session): Promise<void> {
  const { receiver } = await session.accept();
  await serve(receiver, async (value) => {
    const { connection } = value as { connection: Descriptor };
    const client = await openStream(connection);
    client.on('error', () => undefined); // it has hung up
    client.end(`hello, by ${connection.passed ? 'the connection itself' : 'a stream'}\n`);
  });
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const listener = await listenUnix({ path }, (session) => void work(session).catch(ended));

// The front accepts and reads nothing: what was read before could not be handed over.
const session = await dialUnix({ path });
const connections = session.open({ target: 'connections' });
const front = await new Promise<Server>((resolve) => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    connections.send({ connection: descriptorOf(socket) }).catch(() => socket.destroy());
  }).listen(0, '127.0.0.1', () => resolve(server));
});

// Any client.
const client = connect({ port: (front.address() as AddressInfo).port, host: '127.0.0.1' });
for await (const line of client) console.log(String(line).trimEnd());

front.close();
connections.close();
await connections.closed;
await session.close();
await listener.close();
