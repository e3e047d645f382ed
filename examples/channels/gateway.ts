import { connect, createServer, type Socket } from 'node:net';
import type { CircuitError, Session } from '@circuit/channel';
import { dialVia, serveGateway, startGateway } from '@circuit/channel/gateway';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const folder = process.argv[2] ?? '/tmp';

// A database that listens on a socket file of its machine and on nothing else; any program with a socket will do.
const rows = new Map([['moon', '384,400 km']]);
const database = createServer((socket) => {
  socket.on('error', () => undefined); // a client that broke off
  socket.on('data', (key) => void socket.end(`${rows.get(key.toString().trim()) ?? 'no such row'}\n`));
}).listen(`${folder}/database`);

// On that machine: who has a session may reach the database, and nothing else.
async function lend(session: Session): Promise<void> {
  const mayDial = (address: object): boolean => 'path' in address && address.path === `${folder}/database`;
  const { receiver } = await session.accept();
  await serveGateway(receiver, { mayDial });
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const listener = await listenUnix({ path: `${folder}/session` }, (session) => void lend(session).catch(ended));

// On this machine: a local port that is the database.
const session = await dialUnix({ path: `${folder}/session` });
const far = session.open({ target: 'gateway' });
const gateway = await startGateway({
  listen: { path: `${folder}/local` },
  dial: (wait) => dialVia(far, { path: `${folder}/database` }, wait),
});

// Any client, which knows nothing of channels.
const client: Socket = connect(`${folder}/local`);
client.write('moon\n');
for await (const line of client) console.log(String(line).trimEnd());

await gateway.close();
far.close();
await session.close();
await listener.close();
database.close();
