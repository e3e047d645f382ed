// Requests whose answers come over channels of their own: what `stalls.mjs` and `memory.mjs` fill the tables with.
import { pipe } from '@circuit/channel';
import { ask } from './probes.mjs';

/** The ways in which an answer can come; each sends `value` to a far side of `serve.mjs` and answers with what came back. */
const ways = [
  /** Over the return channel of the request. */
  ask,
  /** Over a channel that came in the request. */
  async (sender, value) => {
    const back = pipe();
    await sender.send({ want: 'answer', on: back.sender, value });
    const answer = await back.receiver.receive();
    const end = await back.receiver.receive();
    if (answer.done || !end.done) throw new Error('not one answer');
    return answer.value;
  },
  /** Over the return channel of a request to a sender that came in an answer. */
  async (sender, value) => {
    const other = await ask(sender, { want: 'sender' });
    const answer = await ask(other, value);
    other.close();
    return answer;
  },
];

/** The request number `n`, in one of the ways by turns; throws unless its own answer comes back. */
export async function nestedRequest(sender, n) {
  const answer = await ways[n % ways.length](sender, n);
  if (answer !== n) throw new Error(`request ${n} was answered with ${JSON.stringify(answer)}`);
}

/** Opens and closes so many channels one after the other, with a message and a request over each. */
export async function turnOver(session, channels) {
  for (let n = 0; n < channels; n++) {
    const sender = session.open();
    await sender.send('hello');
    await nestedRequest(sender, n);
    sender.close();
    await sender.closed;
  }
}

/** Comes back when neither table holds anything but `control` and the question that is asked over it; throws where that is not so after a thousand of them. */
export async function tablesAreEmpty(session, control) {
  for (let asked = 1; ; asked++) {
    const here = session.stats.channels - 1;
    const there = (await ask(control, { want: 'table' })) - 2;
    if (here <= 0 && there <= 0) return;
    if (asked === 1000) throw new Error(`entries left in the tables: ${here} here, ${there} there`);
    await new Promise(setImmediate);
  }
}
