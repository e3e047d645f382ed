import { type CircuitError, type Sender, serve, type Session } from '@circuit/channel';
import { listenTcp } from '@circuit/channel/tcp';

/** Counts up to what it is asked for and waits with each number until the one before has been seen. */
async function count(upTo: unknown, ret: Sender): Promise<void> {
  for (let n = 1; n <= Number(upTo); n++) {
    const seen = await ret.send(n, { returns: true });
    await seen.receive();
  }
}
async function serveAll(session: Session): Promise<void> {
  for (;;) {
    const { receiver } = await session.accept(); // one for each page
    serve(receiver, count).catch(ended);
  }
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const port = Number(process.argv[2] ?? 4601);
const listener = await listenTcp({ host: '127.0.0.1', port }, (session) => void serveAll(session).catch(ended));
console.log(listener.address);
