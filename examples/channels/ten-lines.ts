import { serve } from '@circuit/channel';
import { dial, listen } from '@circuit/channel/dial';

const listener = await listen('tcp://127.0.0.1:0', {}, (session) => {
  const calls = session.accept().then(({ receiver }) => serve(receiver, (name, ret) => ret.send({ hello: name })));
  calls.catch(() => undefined); // a client's end is not the server's
});
const session = await dial(listener.url, {});
const answers = await session.open().send('world', { returns: true });
console.log((await answers.receive()).value);
await Promise.all([session.close(), listener.close()]);
