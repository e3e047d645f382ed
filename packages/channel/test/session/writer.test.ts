import { expect, test } from 'vitest';
import { type Outlet, Writer } from '../../src/session/writer.js';
import { frameType } from '../../src/wire/frame.js';

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
    writeFrames(writer, 100);
    endTurn();
    expect(shelf.writes.splice(0)).toStrictEqual([1100, 4100, 4800]);
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
