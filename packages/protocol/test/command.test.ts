import { type Cmd, cmdFromJson, cmdToJson, commandLimits, orThrow, parseCmd } from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

function complaint(text: string): string {
  const parsed = parseCmd(text);
  return parsed.ok ? 'accepted' : parsed.error.message;
}

test('a command needs only its path', () => {
  expect(orThrow(parseCmd('{"Path": "/bin/ls"}'))).toEqual({ path: '/bin/ls', args: [] });
});

test('keys come in any case, commas may trail, null and "" are as if absent', () => {
  const text = '{ "path": "/bin/ls", "ARGS": ["/", "-l",], "env": null, "Dir": "", "scrub": true, }\n';
  expect(orThrow(parseCmd(text))).toEqual({ path: '/bin/ls', args: ['/', '-l'], scrub: true });
});

test('everything can be said', () => {
  const text = '{"Path":"sh","Args":["-c","x"],"Env":["A=1","B="],"Dir":"/tmp","Scrub":false,"Backpressure":true}';
  expect(orThrow(parseCmd(text))).toEqual({
    path: 'sh',
    args: ['-c', 'x'],
    env: ['A=1', 'B='],
    dir: '/tmp',
    mode: 'pipe',
  });
});

test('how much output is kept can be said, in bytes', () => {
  const text = '{"Path":"yes","KeepBytes":65536}';
  const cmd = orThrow(parseCmd(text));
  expect(cmd).toEqual({ path: 'yes', args: [], keepBytes: 65_536 });
  expect(cmdToJson(cmd)).toMatchObject({ Path: 'yes', KeepBytes: 65_536 });
  expect(Object.keys(cmdToJson({ path: 'yes', args: [] }))).not.toContain('KeepBytes');
});

test('commas inside texts stay', () => {
  expect(orThrow(parseCmd('{"Path":"a,}","Args":[",]", "\\",}"],}'))).toMatchObject({
    path: 'a,}',
    args: [',]', '",}'],
  });
});

test.each([
  ['', 'the command is empty'],
  ['{"Path": "/bin/ls"', 'the command is not JSON'],
  ['{"Path": "/bin/ls",,}', 'the command is not JSON'],
  ['{,}', 'the command is not JSON'],
  ['{"Path":"a","Args":[,]}', 'the command is not JSON'],
  ['[]', 'the command is a list of 0'],
  ['{}', 'Path is absent'],
  ['{"Path":""}', 'Path is ""'],
  ['{"Path":7}', 'Path is 7'],
  ['{"Path":"a\\u0000"}', 'leave NUL out'],
  ['{"Path":"a","Args":"x"}', 'Args is "x"'],
  ['{"Path":"a","Args":[1]}', 'Args[0] is no text'],
  ['{"Path":"a","Env":["=x"]}', 'Env[0] has no name'],
  ['{"Path":"a","Scrub":"yes"}', 'Scrub is "yes"'],
  ['{"Path":"a","KeepBytes":"1GB"}', 'KeepBytes is "1GB"'],
  ['{"Path":"a","KeepBytes":65535}', 'KeepBytes is 65535: give a whole number from 65536'],
  ['{"Path":"a","KeepBytes":65536,"Backpressure":true}', 'both Backpressure and KeepBytes'],
  ['{"Path":"a","path":"b"}', 'has "Path" and "path"'],
  ['{"Path":"a","Color":1,"Sound":2}', 'the unknown keys "Color", "Sound": known are Path, Args, Env'],
])('%s is refused', (text, message) => {
  expect(complaint(text)).toContain(message);
});

test('an entry of the environment never shows in an error', () => {
  expect(complaint('{"Path":"a","Env":["hunter2"]}')).not.toContain('hunter2');
  expect(complaint(`{"Path":"a","Env":["K=${'hunter2'.repeat(20_000)}"]}`)).not.toContain('hunter2');
});

test('a command over its bounds is refused', () => {
  const args = Array.from({ length: 9 }, () => 'a'.repeat(commandLimits.itemBytes));
  expect(cmdFromJson({ Path: 'a', Args: args })).toMatchObject({ ok: false });
  expect(cmdFromJson({ Path: 'a', Args: new Array(commandLimits.items + 1).fill('') })).toMatchObject({ ok: false });
});

const words = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0'));
const names = words.filter((text) => text !== '');
const cmds: fc.Arbitrary<Cmd> = fc
  .record(
    {
      path: names,
      args: fc.array(words),
      env: fc.array(fc.tuple(names, words).map(([name, value]) => `${name.replaceAll('=', '')}N=${value}`)),
      dir: names,
      scrub: fc.constant(true),
      mode: fc.constant('pipe' as const),
    },
    { requiredKeys: ['path', 'args'] },
  )
  .map((cmd) => cmd as Cmd);

test('a command reads back from its JSON, whatever the case of the keys and with trailing commas', () => {
  fc.assert(
    fc.property(cmds, fc.boolean(), (cmd, upper) => {
      const entries = Object.entries(cmdToJson(cmd)).map(
        ([key, value]) => `${JSON.stringify(upper ? key.toUpperCase() : key.toLowerCase())}: ${JSON.stringify(value)},`,
      );
      expect(orThrow(parseCmd(`{${entries.join('\n')}}`))).toEqual(cmd);
      expect(orThrow(cmdFromJson(cmdToJson(cmd)))).toEqual(cmd);
    }),
  );
});

test('valid JSON means the same to the lenient reader, and no text makes it throw', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, text) => {
      const parsed = parseCmd(`{"Path": ${json}}`);
      const value: unknown = JSON.parse(json);
      const fine = typeof value === 'string' && value !== '' && !value.includes('\0');
      expect(parsed.ok).toBe(fine);
      if (parsed.ok) expect(parsed.value.path).toBe(value);
      expect(typeof parseCmd(text).ok).toBe('boolean');
    }),
  );
});
