import { randomBytes } from 'node:crypto';
import { type CircuitError, isCircuitError, serve, type Session } from '@circuit/channel';
import { dial, listen } from '@circuit/channel/dial';

// Which transport it is stands in the configuration; each scheme takes of the options what it needs.
const url = process.env['GREET_URL'] ?? 'tls://127.0.0.1:0';
const keys = new Map([['ann', randomBytes(32)]]);

async function greet(session: Session): Promise<void> {
  const { receiver } = await session.accept();
  await serve(receiver, (name, ret) =>
    ret.send(`hello, ${String(name)}, from who has the key of ${String(session.peer.identity)}`),
  );
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
const tls = { pskFor: (identity: string) => keys.get(identity) };
const listener = await listen(url, { tls }, (session) => void greet(session).catch(ended));

// `listener.url` has the real port in place of 0.
const psk = { identity: 'ann', key: keys.get('ann') ?? randomBytes(32) };
const session = await dial(listener.url, { tls: { psk }, deadlineMs: 5000 });
const greetings = session.open();
const answers = await greetings.send<string>('world', { returns: true });
console.log((await answers.receive()).value);
greetings.close();
await session.close();

const strange = { identity: 'ann', key: randomBytes(32) };
await dial(listener.url, { tls: { psk: strange } }).catch((error: unknown) => {
  console.log('with another key denied:', isCircuitError(error, 'denied'));
});
await listener.close();
