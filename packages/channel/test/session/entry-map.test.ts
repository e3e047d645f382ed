import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Entry } from '../../src/session/entry.js';
import { EntryMap } from '../../src/session/entry-map.js';
import { EntryMap as PageEntryMap } from '../../src/session/page-entry-map.js';
import * as refKind from '../../src/wire/ref-kind.js';

function entryOf(id: number): Entry {
  const entry = new Entry(refKind.sender);
  entry.id = id;
  return entry;
}

const ids = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));

test.each([
  ['it', EntryMap],
  ['that of pages', PageEntryMap],
])('%s answers like a Map, whatever comes and goes', (_name, Kind) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(ids, fc.boolean()), { maxLength: 400 }), (steps) => {
      const map = new Kind();
      const model = new Map<number, Entry>();
      for (const [id, adds] of steps) {
        if (!adds) expect(map.delete(id)).toBe(model.delete(id));
        else if (!model.has(id)) {
          const entry = entryOf(id);
          model.set(id, entry);
          map.add(entry);
        }
        expect(map.size).toBe(model.size);
        expect(map.get(id)).toBe(model.get(id));
      }
      for (const [id, entry] of model) expect(map.get(id)).toBe(entry);
      expect(map.drain()).toStrictEqual([...model.values()].sort((a, b) => a.id - b.id));
      expect(map.size).toBe(0);
    }),
  );
});

test.each([
  ['one after the other', (i: number) => i + 1],
  ['odd ones', (i: number) => 2 * i + 1],
  ['the same lower 18 bits', (i: number) => (i + 1) * 2 ** 18],
  ['the same lower 32 bits', (i: number) => (i + 1) * 2 ** 32],
  ['both halves alike', (i: number) => (i + 1) * (2 ** 32 + 1)],
])('131,072 entries are found where the peer chose %s', (_, idOf) => {
  const map = new EntryMap();
  const entries = Array.from({ length: 131_072 }, (_unused, i) => entryOf(idOf(i)));
  for (const entry of entries) map.add(entry);
  expect(entries.filter((entry) => map.get(entry.id) !== entry)).toHaveLength(0);
  expect(entries.filter((entry) => !map.delete(entry.id))).toHaveLength(0);
  expect(map.size).toBe(0);
});
