import { expect, test } from 'vitest';
import { parseAmount, parseSize } from '../src/size.js';

test.each([
  ['65536B', 65_536],
  ['500MB', 500_000_000],
  ['500mb', 500_000_000],
  ['2GiB', 2_147_483_648],
  ['1.5GiB', 1_610_612_736],
  ['64KiB', 65_536],
  ['1TB', 1e12],
])('%s is a size', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
  expect(parseAmount(text)).toEqual({ bytes });
});

test('a share is one of a disk', () => {
  expect(parseAmount('20%')).toEqual({ share: 0.2 });
  expect(parseAmount('0.5%')).toEqual({ share: 0.005 });
  expect(() => parseSize('20%')).toThrow('500MB or 2GiB');
});

test.each([
  '',
  '500',
  '-1MB',
  '5 MB',
  'MB',
  '1XB',
  '1e9B',
  '0%',
  '101%',
  '%',
  '9999999TB',
  '1.2.3MB',
])('%j is refused with what to write', (text) => {
  expect(() => parseAmount(text)).toThrow(/write a number with its unit.*500MB/);
});

test('less than any process needs is refused', () => {
  expect(() => parseAmount('63KiB')).toThrow('at least 64KiB');
  expect(() => parseSize('0B')).toThrow('at least 64KiB');
});
