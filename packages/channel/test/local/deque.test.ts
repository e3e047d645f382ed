import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Deque as NodeDeque } from '../../src/local/deque.js';
import { Deque as PageDeque } from '../../src/local/page-deque.js';

interface Item {
  readonly n: number;
}

type Step = 'push' | 'shift' | 'remove' | 'drain';
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>('push') },
    { weight: 4, arbitrary: fc.constant<Step>('shift') },
    fc.constant<Step>('remove'),
    { weight: 1, arbitrary: fc.constant<Step>('drain') },
  ),
  { maxLength: 200 },
);

describe.each([
  ['deque', NodeDeque],
  ['deque of a page', PageDeque],
] as const)('%s', (_name, Deque) => {
  test('it answers like an array, whatever comes and goes', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (program, choice) => {
        const deque = new Deque<Item>();
        const model: Item[] = [];
        for (const [n, step] of program.entries()) {
          if (step === 'push') {
            deque.push({ n });
            model.push({ n });
          } else if (step === 'shift') expect(deque.shift()).toStrictEqual(model.shift());
          else if (step === 'drain') expect(deque.drain()).toStrictEqual(model.splice(0));
          else {
            const item = deque.at(choice % (model.length + 1)) ?? { n: -1 };
            const at = model.findIndex((other) => other.n === item.n);
            expect(deque.remove(item)).toBe(at >= 0);
            if (at >= 0) model.splice(at, 1);
          }
          expect(deque.length).toBe(model.length);
          expect(deque.first()).toStrictEqual(model[0]);
          expect([...model, undefined].map((_, index) => deque.at(index))).toStrictEqual([...model, undefined]);
        }
      }),
    );
  });

  test('a long queue comes out in order while it grows', () => {
    const deque = new Deque<Item>();
    let taken = 0;
    for (let n = 0; n < 20_000; n++) {
      deque.push({ n });
      if (n % 3 !== 0) expect(deque.shift()).toStrictEqual({ n: taken++ });
    }
    for (let item = deque.shift(); item !== undefined; item = deque.shift()) expect(item.n).toBe(taken++);
    expect(taken).toBe(20_000);
    expect(deque.length).toBe(0);
  });
});
