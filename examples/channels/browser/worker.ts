import { serve, type Session } from '@circuit/channel';
import { listenTcp } from '@circuit/channel/tcp';

/** Counts up to what it is asked for and waits with each number until the one before has been seen. */
async function count(session: Session): Promise<void> {
  const { receiver } = await session.accept();
  await serve(receiver, async (upTo, ret) => {
    for (let n = 1; n <= Number(upTo); n++) {
      const seen = await ret.send(n, { returns: true });
      await seen.receive();
    }
  });
}
const port = Number(process.argv[2] ?? 4601);
const listener = await listenTcp({ host: '127.0.0.1', port }, (session) => void count(session).catch(console.error));
console.log(listener.address);
