import { connect, createServer, type Socket } from 'node:net';
import { dialVia, serveGateway, startGateway } from '@circuit/channel/gateway';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const folder = process.argv[2] ?? '/tmp';

// A database that listens on a socket file of its machine and on nothing else; any program with a socket will do.
const rows = new Map([['moon', '384,400 km']]);
const database = createServer((socket) => {
  socket.on('data', (key) => void socket.end(`${rows.get(key.toString().trim()) ?? 'no such row'}\n`));
}).listen(`${folder}/database`);

// On that machine: who has a session may reach the database, and nothing else.
const listener = await listenUnix({ path: `${folder}/session` }, (session) => {
  const mayDial = (address: object): boolean => 'path' in address && address.path === `${folder}/database`;
  session.accept().then(({ receiver }) => serveGateway(receiver, { mayDial }), console.error);
});

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
