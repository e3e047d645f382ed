import { handlerSender, serve, type Session } from '@circuit/channel';
import { dialWorker, listenWorker, type PortTarget } from '@circuit/channel/message-port';

const scope = globalThis as unknown as PortTarget;

/** A web worker that answers requests with the sender of a counter, and dials the page when a message asks for it. */
const sessions: Session[] = [];
listenWorker(scope, (session) => {
  sessions.push(session);
  void (async () => {
    for (;;) {
      const { receiver } = await session.accept();
      void serve(receiver, async (value, ret) => {
        let sum = 0;
        const add = handlerSender<number>(async (part, answer) => answer.send((sum += part)));
        await ret.send({ value, add });
      }).catch(() => undefined);
    }
  })().catch(() => undefined);
});
scope.addEventListener?.('message', (event) => {
  const { data } = event as { readonly data: unknown };
  if (data === 'abort all') for (const session of sessions) session.abort();
  if (data !== 'dial me') return;
  const sender = dialWorker(scope, { name: 'page' }).open<string>();
  void sender.send('hello').then(() => sender.close());
});
