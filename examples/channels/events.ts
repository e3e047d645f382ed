import type { CircuitError, Session } from '@circuit/channel';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const path = process.argv[2] ?? '/tmp/events';

/** Either side opens channels whenever it likes: both do the same here. */
async function chat(session: Session, name: string): Promise<void> {
  const events = session.open({ target: 'events' });
  for (let i = 1; i <= 3; i++) await events.send(`${name} ${i}`);
  events.close();
  const { receiver } = await session.accept();
  for await (const event of receiver) console.log(`${name} heard ${String(event)}`);
  await events.closed; // the other side has taken everything
}

/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}

let served: Promise<void> | undefined;
const listener = await listenUnix({ path }, (session) => {
  served = chat(session, 'server').catch(ended);
});
const session = await dialUnix({ path });
await chat(session, 'client');
await served;
await session.close();
await listener.close();
