import { ManualClock } from '@circuit/testkit';
import { beforeEach, expect, test } from 'vitest';
import { Pulse } from '../../src/mesh/pulse.js';

const clock = new ManualClock();
let bytes: number;
let beats: number;
let silences: number[];
let pulse: Pulse;

beforeEach(() => {
  bytes = beats = 0;
  silences = [];
  pulse = new Pulse({
    clock,
    beatMs: 1000,
    silentBeats: 6,
    bytesIn: () => bytes,
    beat: () => {
      beats++;
    },
    silent: (ms) => silences.push(ms),
  });
  pulse.start();
});

test('a beat goes out each time, and six without an answer are silence, told once', async () => {
  await clock.advance(6999);
  expect([beats, silences]).toEqual([6, []]);
  await clock.advance(1);
  expect([beats, silences, clock.pending]).toEqual([6, [6000], 0]);
});

test('any byte is a sign of life', async () => {
  for (let i = 0; i < 20; i++) {
    await clock.advance(5000);
    bytes++;
  }
  expect(silences).toEqual([]);
  pulse.stop();
  expect(clock.pending).toBe(0);
});
