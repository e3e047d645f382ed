import { dialWebSocket } from '@circuit/channel/websocket';

declare const location: { readonly host: string };
declare const document: { readonly body: { append(text: string): void } };

const session = await dialWebSocket({ url: `ws://${location.host}/` });
const answers = await session.open({ target: 'count' }).send(3, { returns: true });
for (;;) {
  const { done, value, ret } = await answers.receive();
  if (done) break;
  document.body.append(`${String(value)} `);
  await ret.send('seen'); // goes back over both hops
  ret.close();
}
document.body.append('done');
