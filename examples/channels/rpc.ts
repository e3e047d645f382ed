import { type CircuitError, serve, type Session } from '@circuit/channel';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

const path = process.argv[2] ?? '/tmp/greet';

async function greet(session: Session): Promise<void> {
  for (;;) {
    const { receiver } = await session.accept();
    serve(receiver, (name, ret) => ret.send(`hello, ${String(name)}`)).catch(ended);
  }
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const listener = await listenUnix({ path }, (session) => void greet(session).catch(ended));

const session = await dialUnix({ path });
const greetings = session.open({ target: 'greet' });
for (const name of ['world', 'moon']) {
  const answers = await greetings.send(name, { returns: true });
  console.log((await answers.receive()).value);
}
greetings.close();
await session.close();
await listener.close();
