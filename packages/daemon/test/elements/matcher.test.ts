import { CircuitError } from '@circuit/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Matcher, Offer, Taker } from '../../src/elements/chan/matcher.js';

const waiter = { Who: 'test', Since: '' };

class Message extends Offer {
  readonly waiter = waiter;
  readonly heldBytes = 0;
  readonly heard: string[] = [];
  readonly id: number;
  constructor(id: number) {
    super();
    this.id = id;
  }
  accepted(by: string): void {
    this.heard.push(by);
  }
  buffered(): void {
    this.heard.push('buffered');
  }
  taken(): void {
    this.heard.push('taken');
  }
  acknowledged(): void {
    this.heard.push('acknowledged');
  }
  returned(again: boolean): void {
    this.heard.push(again ? 'again' : 'lost');
  }
  aborted(): void {
    this.heard.push('aborted');
  }
}

class Receiver extends Taker {
  readonly waiter = waiter;
  got: number | undefined;
  heard = '';
  readonly id: number;
  constructor(id: number) {
    super();
    this.id = id;
  }
  matched(offer: Offer): void {
    if (offer instanceof Message) this.got = offer.id;
  }
  consumed(): void {
    this.heard = 'consumed';
  }
  failed(): void {
    this.heard = 'failed';
  }
  closed(): void {
    this.heard = 'closed';
  }
  aborted(): void {
    this.heard = 'aborted';
  }
}

/** The rules once more, as slow and plain as can be: a list of messages by order, searched anew at every step. */
class Model {
  readonly messages: {
    id: number;
    state: 'waiting' | 'placed' | 'out' | 'over';
    whole: boolean;
    counted: boolean;
    abandoned: boolean;
    buffer: boolean;
    by: number;
  }[] = [];
  readonly receivers: { id: number; state: 'waiting' | 'has' | 'over'; heard: string }[] = [];
  closed = false;
  sends = 0;
  recvs = 0;
  readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  settle(): void {
    for (;;) {
      const message = this.messages.find(({ state }) => state === 'waiting' || state === 'placed');
      const receiver = this.receivers.find(({ state }) => state === 'waiting');
      if (message === undefined || receiver === undefined) break;
      message.buffer = message.state === 'placed';
      message.state = 'out';
      message.by = receiver.id;
      receiver.state = 'has';
    }
    for (const message of this.messages) {
      if (message.state === 'waiting' && this.messages.filter(({ state }) => state === 'placed').length < this.capacity)
        message.state = 'placed';
      if (message.state === 'placed' && message.whole && !message.counted) {
        message.counted = true;
        this.sends++;
      }
    }
    if (this.closed && this.messages.every(({ state }) => state === 'over'))
      for (const receiver of this.receivers)
        if (receiver.state === 'waiting') Object.assign(receiver, { state: 'over', heard: 'closed' });
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constantFrom('send' as const), whole: fc.boolean() }),
  fc.record({ do: fc.constantFrom('recv' as const) }),
  fc.record({ do: fc.constantFrom('whole', 'ack', 'back', 'lose', 'leave', 'withdraw', 'fail'), at: fc.nat(20) }),
  fc.record({ do: fc.constantFrom('close' as const) }),
);

test('the matcher does what a naive model does', () => {
  fc.assert(
    fc.property(fc.nat(3), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const matcher = new Matcher(capacity);
      const model = new Model(capacity);
      const messages: Message[] = [];
      const receivers: Receiver[] = [];
      for (const it of steps) {
        const at = 'at' in it ? it.at : 0;
        const message = messages[at];
        const receiver = receivers[at];
        const theirs = model.messages[at];
        const having = model.receivers[at];
        const theirMessage =
          having?.state === 'has' ? model.messages.find(({ by, state }) => by === at && state === 'out') : undefined;
        switch (it.do) {
          case 'send': {
            if (matcher.closed) break;
            const sent = new Message(messages.length);
            messages.push(sent);
            const whole = 'whole' in it && it.whole;
            model.messages.push({
              id: sent.id,
              state: 'waiting',
              whole,
              counted: false,
              abandoned: false,
              buffer: false,
              by: -1,
            });
            matcher.offer(sent);
            if (whole) matcher.heldWhole(sent);
            break;
          }
          case 'recv': {
            const taker = new Receiver(receivers.length);
            receivers.push(taker);
            model.receivers.push({ id: taker.id, state: 'waiting', heard: '' });
            matcher.take(taker);
            break;
          }
          case 'whole':
            if (message === undefined || theirs === undefined || theirs.state === 'over') break;
            matcher.heldWhole(message);
            theirs.whole = true;
            break;
          case 'ack':
            if (receiver === undefined || having === undefined) break;
            matcher.acknowledge(receiver);
            if (theirMessage === undefined) break;
            model.recvs++;
            if (!theirMessage.counted) model.sends++;
            Object.assign(theirMessage, { state: 'over', counted: true });
            Object.assign(having, { state: 'over', heard: 'consumed' });
            break;
          case 'back':
          case 'lose':
            if (receiver === undefined || having === undefined) break;
            matcher.giveBack(receiver, it.do === 'back');
            if (theirMessage === undefined) break;
            having.state = 'over';
            if (it.do === 'lose' || (theirMessage.abandoned && !theirMessage.counted)) theirMessage.state = 'over';
            else theirMessage.state = theirMessage.buffer ? 'placed' : 'waiting';
            break;
          case 'leave':
            if (receiver === undefined || having === undefined) break;
            matcher.leave(receiver);
            if (having.state === 'waiting') having.state = 'over';
            break;
          case 'withdraw':
            if (message === undefined || theirs === undefined) break;
            matcher.withdraw(message);
            if (theirs.counted) break;
            if (theirs.state === 'out') theirs.abandoned = true;
            else theirs.state = 'over';
            break;
          case 'fail':
            // A message that is wholly here has no source that could fail.
            if (message === undefined || theirs === undefined || theirs.whole) break;
            matcher.fail(message, new Error('gone'));
            if (theirs.state === 'out') Object.assign(model.receivers[theirs.by]!, { state: 'over', heard: 'failed' });
            theirs.state = 'over';
            break;
          case 'close':
            matcher.close();
            model.closed = true;
            break;
        }
        model.settle();
        expect({ numSend: matcher.numSend, numRecv: matcher.numRecv }).toEqual({
          numSend: model.sends,
          numRecv: model.recvs,
        });
        const states = { waiting: 'waiting', placed: 'placed', matched: 'out', over: 'over', new: 'new' };
        expect(messages.map(({ state }) => states[state])).toEqual(model.messages.map(({ state }) => state));
        expect(receivers.map(({ heard }) => heard)).toEqual(model.receivers.map(({ heard }) => heard));
        for (const { state, by, id } of model.messages) if (state === 'out') expect(receivers[by]?.got).toBe(id);
      }
      matcher.abort(new CircuitError('aborted', 'scrubbed'));
      for (const { heard, state } of messages) {
        expect(state).toBe('over');
        // Everybody hears exactly one end.
        const ends = heard.filter((word) => ['acknowledged', 'lost', 'aborted'].includes(word));
        expect(ends.length).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 2000 },
  );
});
