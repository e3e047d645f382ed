import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../src/command-line.js';
import { parseDuration } from '../src/duration.js';

const specs = {
  dial: { type: 'text', short: 'd', value: 'ADDR', help: '' },
  long: { type: 'flag', short: 'l', help: '' },
  depth: { type: 'flag', help: '' },
  output: { type: 'text', short: 'o', help: '' },
  join: { type: 'texts', short: 'j', help: '' },
} as const;

const parse = (...argv: string[]) => parseCommandLine(argv, specs);

describe('a command line', () => {
  test('has long options with one dash or two', () => {
    for (const word of ['-dial', '--dial']) expect(parse(word, 'a:1', '/X1').text('dial')).toBe('a:1');
    for (const word of ['-dial=a:1', '--dial=a:1']) expect(parse(word).text('dial')).toBe('a:1');
    expect(parse('-long', '-depth').flag('depth')).toBe(true);
    expect(parse('/X1').flag('depth')).toBe(false);
  });

  test('has short options, alone, bundled, and with their value joined', () => {
    expect(parse('-d', 'a:1').text('dial')).toBe('a:1');
    expect(parse('-da:1').text('dial')).toBe('a:1');
    const bundle = parse('-lo', 'json', '/X1');
    expect([bundle.flag('long'), bundle.text('output'), bundle.args]).toEqual([true, 'json', ['/X1']]);
    expect(parse('-lojson').text('output')).toBe('json');
  });

  test('takes an empty value, and one that begins with a dash', () => {
    expect(parse('-dial', '').text('dial')).toBe('');
    expect(parse('--dial', '-x').text('dial')).toBe('-x');
  });

  test('gathers what may be repeated and lets the last of the others count', () => {
    const line = parse('-j', 'a', '-join', 'b', '-d', '1', '-d', '2');
    expect(line.texts('join')).toEqual(['a', 'b']);
    expect(line.text('dial')).toBe('2');
  });

  test('mixes options and arguments until --', () => {
    const line = parse('/X1', '-l', '/X2', '--', '-depth');
    expect(line.args).toEqual(['/X1', '/X2', '-depth']);
    expect(line.flag('depth')).toBe(false);
    expect(parse('-').args).toEqual(['-']);
  });

  test('leaves options behind the leading arguments to another command', () => {
    expect(parseCommandLine(['-l', '/X1', 'ls', '-l', '--', 'x'], specs, 2).args).toEqual([
      '/X1',
      'ls',
      '-l',
      '--',
      'x',
    ]);
    expect(parseCommandLine(['/X1', '--', 'ls', '-l'], specs, 2).args).toEqual(['/X1', 'ls', '-l']);
  });

  test('names what is wrong', () => {
    expect(() => parse('--nope')).toThrow(/unknown option --nope: known are --dial/);
    expect(() => parse('-lx')).toThrow(/unknown option -lx/);
    expect(() => parse('-dial')).toThrow(/option -dial wants a value: ADDR/);
    expect(() => parse('--long=1')).toThrow(/option --long=1 takes no value/);
    expect(() => parse('--constructor')).toThrow(/unknown option/);
  });
});

test('a time is read with its unit', () => {
  expect(['500ms', '10s', '1.5m', '1h', '3'].map(parseDuration)).toEqual([500, 10_000, 90_000, 3_600_000, 3000]);
  for (const wrong of ['', '0', '-1s', '10x', '1000h']) expect(() => parseDuration(wrong)).toThrow(/write 500ms/);
});
