import { copy, FailOver, FanOut, pipe, queue, receiving, select, sending } from '@circuit/channel';

// FanOut: every message of one source to all outputs. One that is 64 messages behind is ended; nobody waits for it.
const news = pipe<string>();
const fan = new FanOut(news.receiver);
const [ann, bob] = [pipe<string>(), pipe<string>()];
fan.add(ann.sender);
const leave = fan.add(bob.sender);

// queue: holds up to 100 messages in front of a slow receiver. copy: all of one channel into another, to its end.
const slow = pipe<string>();
const held = queue(slow.sender, 100);
const copied = copy(held, ann.receiver).finally(() => held.close());

// select: exactly one of these, whichever is possible first.
await news.sender.send('first');
const done = await select(
  [
    receiving(bob.receiver, ({ value }) => `bob: ${value}`),
    sending(pipe<number>().sender, 1, () => 'sent, but nobody reads'),
  ],
  { after: { ms: 5000, use: () => 'nothing for five seconds' } },
);
console.log(done);
console.log('bob missed', leave());
await news.sender.send('second');
news.sender.close();
console.log('copied', await copied);
for await (const value of slow.receiver) console.log('slow:', value);

// FailOver: to the newest back end that takes it; who fails is dropped.
const [spare, main] = [pipe<string>(1), pipe<string>(1)];
const backEnds = new FailOver<string>();
backEnds.push(spare.sender);
backEnds.push(main.sender);
main.receiver.cancel();
const sent = backEnds.send('whoever is there');
console.log('spare:', (await spare.receiver.receive()).value);
await sent;
backEnds.close();
