import { type CircuitError, Hub, serve, type Session } from '@circuit/channel';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const path = process.argv[2] ?? '/tmp/workers';

// The office: whoever sends a message with a return channel is a worker from then on.
const hub = new Hub<number, { square: number; by: string }>();
async function enlist(session: Session): Promise<void> {
  const { receiver } = await session.accept();
  await hub.register(receiver);
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const listener = await listenUnix({ path }, (session) => void enlist(session).catch(ended));

/** A worker dials, registers itself, and gets its requests by the return channel of that one message. */
async function work(name: string): Promise<{ done: Promise<void> }> {
  const session = await dialUnix({ path });
  const registration = session.open({ target: 'register' });
  const requests = await registration.send({ name }, { returns: true, acknowledged: true });
  registration.close();
  const done = serve(requests, (n, ret) => ret.send({ square: Number(n) ** 2, by: name }));
  return { done: done.finally(() => session.close()) };
}

const workers = await Promise.all(['ann', 'bob', 'cid'].map(work));
const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => hub.request(n)));
console.log(...answers.map(({ square }) => square), 'by', new Set(answers.map(({ by }) => by)).size, 'workers');

hub.close();
await Promise.all(workers.map(({ done }) => done));
await listener.close();
