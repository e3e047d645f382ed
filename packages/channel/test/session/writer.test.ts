import { expect, test } from 'vitest';
import { type Outlet, Writer } from '../../src/session/writer.js';
import * as frameType from '../../src/wire/frame-type.js';

/** Takes what is written; what it says of itself is the test's. */
class Shelf implements Outlet {
  readonly writes: number[] = [];
  bufferedBytes = 0;

  write(_pieces: Uint8Array[], bytes: number): void {
    this.writes.push(bytes);
  }
}

function writerTo(outlet: Outlet): { writer: Writer; endTurn: () => void } {
  let run = (): void => undefined;
  const writer = new Writer(outlet, (atEnd) => {
    run = atEnd;
  });
  return { writer, endTurn: () => run() };
}

const frameBytes = 100;

function writeFrames(writer: Writer, count: number): void {
  for (let i = 0; i < count; i++) writer.begin(frameType.data, 1, frameBytes - 5);
}

test('a small turn is one write', () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  writeFrames(writer, 10);
  expect(shelf.writes).toStrictEqual([]);
  endTurn();
  expect(shelf.writes).toStrictEqual([10 * frameBytes]);
});

test('a large turn is written in parts of whole frames that grow fourfold, the next turn from the beginning', () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  for (let turn = 0; turn < 2; turn++) {
    writeFrames(writer, 300);
    endTurn();
    expect(shelf.writes.splice(0)).toStrictEqual([4100, 16_400, 9500]);
  }
});

test('while the carrier still holds bytes a turn is one write', () => {
  const shelf = new Shelf();
  shelf.bufferedBytes = 1;
  const { writer, endTurn } = writerTo(shelf);
  writeFrames(writer, 100);
  expect(shelf.writes).toStrictEqual([]);
  endTurn();
  expect(shelf.writes).toStrictEqual([100 * frameBytes]);
});

test.each([
  { what: 'needs its memory no more: it is used again', again: true, memories: 1 },
  { what: 'keeps it: it stays as it is', again: undefined, memories: 5 },
])('what was written to a carrier that $what', ({ again, memories }) => {
  const said: Uint8Array[] = [];
  const held: Uint8Array[] = [];
  const { writer, endTurn } = writerTo({
    bufferedBytes: 0,
    write(pieces) {
      held.push(...pieces);
      said.push(...pieces.map((piece) => piece.slice()));
      return again;
    },
  });
  writer.begin(frameType.data, 1, 60_000);
  endTurn();
  held.length = said.length = 0;
  const bodies = Array.from({ length: 40 }, (_, i) => new Uint8Array(7000).fill(i));
  for (const body of bodies) {
    writer.withBody(frameType.data, 1, 0, body, true);
    endTurn();
  }
  const front = said[0]?.length === undefined ? 0 : said[0].length - 7000;
  expect(said.map((piece) => piece.subarray(front))).toStrictEqual(bodies);
  expect(new Set(held.map(({ buffer }) => buffer)).size).toBe(memories);
  if (again === undefined) expect(held).toStrictEqual(said);
});

test('a stopped writer writes nothing and counts nothing, whatever its carrier says', () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  writeFrames(writer, 3);
  shelf.bufferedBytes = 131_082;
  expect(writer.bufferedBytes).toBe(131_082 + 3 * frameBytes);
  writer.stop();
  endTurn();
  expect(writer.bufferedBytes).toBe(0);
  expect(shelf.writes).toStrictEqual([]);
});

test('what the first promise jobs of a turn say is written behind them, once; the rest at the end of the turn', async () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  for (let turn = 0; turn < 2; turn++) {
    writeFrames(writer, 1);
    queueMicrotask(() => writeFrames(writer, 1));
    await Promise.resolve();
    expect(shelf.writes).toStrictEqual([frameBytes]);
    await Promise.resolve();
    writeFrames(writer, 1);
    await Promise.resolve();
    expect(shelf.writes).toStrictEqual([frameBytes]);
    endTurn();
    expect(shelf.writes.splice(0)).toStrictEqual([frameBytes, 2 * frameBytes]);
  }
});

test('behind a turn that said much, all of the next is written at its end', async () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  for (const [count, early] of [
    [5, [5]],
    [4, []],
    [4, [4]],
    [5, [5]],
    [1, []],
    [1, [1]],
  ] as const) {
    writeFrames(writer, count);
    await Promise.resolve();
    expect(shelf.writes).toStrictEqual(early.map((frames) => frames * frameBytes));
    endTurn();
    expect(shelf.writes.splice(0)).toStrictEqual([count * frameBytes]);
  }
});

test('what is said while something is being received goes with what is said about it', async () => {
  const shelf = new Shelf();
  const { writer, endTurn } = writerTo(shelf);
  writer.receiving = true;
  writeFrames(writer, 1);
  writer.receiving = false;
  await Promise.resolve();
  expect(shelf.writes).toStrictEqual([]);
  writeFrames(writer, 1);
  await Promise.resolve();
  expect(shelf.writes).toStrictEqual([2 * frameBytes]);
  endTurn();
  expect(shelf.writes).toStrictEqual([2 * frameBytes]);
});
