import {
  type AnyRequest,
  type ByteSource,
  isVerbName,
  maxHeldBytes,
  parseBody,
  parseRequest,
  requestLimits,
  type VerbName,
  verbs,
} from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const source: ByteSource = {
  read: () => Promise.resolve(undefined),
  tryRead: () => null,
  cancel: () => undefined,
  onReadable: () => () => undefined,
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/** One full body of every verb; a verb without one does not compile. */
const bodies: { readonly [V in VerbName]: Extract<AnyRequest, { verb: V }>['body'] } = {
  servers: {},
  ls: { path: '/Xab/...', recursive: true, long: true, after: '/Xab/a', limit: 10 },
  peek: { path: '/Xab/a', element: 3 },
  scrub: { path: '/Xab/a', element: 3, kill: true },
  mkproc: { path: '/Xab/a', cmd: { path: 'sh', args: ['-c'], env: ['A=1'], dir: '/', scrub: true, mode: 'log' } },
  mkchan: { path: '/Xab/a', capacity: 0 },
  wait: { path: '/Xab/a' },
  signal: { path: '/Xab/a', signal: 'TERM' },
  stdin: { path: '/Xab/a', element: 1 },
  output: { path: '/Xab/a', stream: 'stderr', offset: 'end', follow: false },
  send: { path: '/Xab/a', content: { type: 'bytes', source } },
  recv: { path: '/Xab/a' },
  close: { path: '/Xab/a' },
  stat: { path: '/Xab/a', element: 9 },
  env: {},
  rejoin: { address: 'circuit://10.0.0.1:4600' },
  suicide: {},
  profile: { name: 'cpu', ms: 500 },
  forward: { address: 'db.internal:5432' },
  ping: {},
};

function complaint(verb: VerbName, body: unknown): string {
  const parsed = parseBody(verb, body);
  return parsed.ok ? 'accepted' : parsed.error.message;
}

test.each(Object.entries(bodies))('a request to %s passes unchanged', (verb, body) => {
  expect(parseRequest({ verb, body })).toEqual({ ok: true, value: { verb, body } });
});

test.each(Object.entries(bodies))('a request to %s with a field of tomorrow is refused by its name', (verb, body) => {
  const parsed = parseRequest({ verb, body: { ...body, tomorrow: 1 } });
  expect(parsed.ok ? undefined : parsed.error).toMatchObject({ code: 'invalid', detail: 'unknown-field' });
});

test.each(Object.keys(bodies))('a request to %s without an object for its body is refused', (verb) => {
  for (const body of [undefined, null, 'x', []]) expect(parseRequest({ verb, body }).ok).toBe(false);
});

test('null, which codecs write for absent, counts as absent', () => {
  expect(parseBody('peek', { path: '/Xab', element: null })).toEqual({ ok: true, value: { path: '/Xab' } });
});

test('what arrives is canonical afterwards', () => {
  expect(parseBody('signal', { path: '/XAB/a/', signal: 'sigkill' })).toMatchObject({
    value: { path: '/Xab/a', signal: 'KILL' },
  });
  expect(parseBody('ls', { path: '/XAB/**', recursive: false })).toEqual({ ok: true, value: { path: '/Xab/...' } });
});

test.each<[VerbName, unknown, string]>([
  ['ls', { path: '/Xab', limit: requestLimits.page + 1 }, 'limit is 1001'],
  ['peek', { path: '/Xab', element: -1 }, 'element is -1'],
  ['peek', { path: '/Xab', element: 1.5 }, 'element is 1.5'],
  ['peek', { path: '/Xab/*' }, 'is a pattern'],
  ['mkchan', { path: '/Xab/a', capacity: -1 }, 'mkchan: capacity is -1: give a whole number from 0 to 100000'],
  ['mkchan', { path: '/Xab/a' }, 'capacity is absent'],
  ['mkchan', { path: '/Xab', capacity: 1 }, 'cannot create elements outside of servers'],
  ['mkproc', { path: '/', cmd: { path: 'a' } }, 'cannot create elements outside of servers'],
  ['mkproc', { path: '/Xab/a', cmd: { path: 'a', mode: 'loud' } }, 'mode is "loud": use one of log, pipe'],
  ['signal', { path: '/Xab/a', signal: 'NOPE' }, 'signal is "NOPE"'],
  ['output', { path: '/Xab/a', stream: 'stdin' }, 'stream is "stdin"'],
  ['output', { path: '/Xab/a', stream: 'stdout', offset: 'start' }, 'offset is "start"'],
  ['send', { path: '/Xab/a', content: { type: 'bytes', source: {} } }, 'source is an object: give a byte stream'],
  ['send', { path: '/Xab/a', content: { type: 'whole', bytes: 'text' } }, 'bytes is "text": give bytes'],
  ['send', { path: '/Xab/a', content: { type: 'whole', bytes: new Uint8Array(32_769) } }, 'use at most 32768'],
  ['send', { path: '/Xab/a' }, 'content is absent'],
  ['rejoin', { address: 'nowhere' }, 'address "nowhere" is malformed'],
  ['forward', {}, 'forward: address is absent'],
  ['forward', { address: 'circuit://h:1' }, 'target "circuit://h:1" is malformed: write HOST:PORT'],
  ['forward', { address: 'unix:relative' }, 'has no absolute path'],
  ['forward', { address: 'h:0' }, 'port 0'],
  ['profile', { name: 'magic' }, 'use one of stack, cpu, heap, handles'],
])('%s with %j is refused', (verb, body, message) => {
  expect(complaint(verb, body)).toContain(message);
});

test('an unknown verb lists the known ones', () => {
  const parsed = parseRequest({ verb: 'fly', body: {} });
  expect(parsed.ok ? '' : parsed.error.message).toContain('verb is "fly": use one of servers, ls');
  expect(['constructor', '__proto__', 7].map(isVerbName)).toEqual([false, false, false]);
});

test('a typed value passes as it is, null too', () => {
  const value = { deep: [1, { source }] };
  expect(parseBody('send', { path: '/Xab/a', content: { type: 'value', value } })).toMatchObject({
    value: { content: { value } },
  });
  expect(parseBody('send', { path: '/Xab/a', content: { type: 'value', value: null } }).ok).toBe(true);
});

test('whatever comes, the decoder answers', () => {
  const names = fc.constantFrom(...Object.keys(verbs));
  const keys = fc.constantFrom('path', 'cmd', 'element', 'content', 'signal', 'capacity', 'stream', 'name');
  fc.assert(
    fc.property(fc.anything(), names, fc.dictionary(keys, fc.anything()), (value, verb, body) => {
      expect(typeof parseRequest(value).ok).toBe('boolean');
      expect(typeof parseRequest({ verb, body }).ok).toBe('boolean');
    }),
  );
});

test('only what looks may be repeated or done with a read-only key, but for the environment, profiles and forwarding', () => {
  const readable = Object.entries(verbs).filter(([, traits]) => traits.right === 'read');
  expect(readable.map(([name]) => name)).toEqual(['servers', 'ls', 'peek', 'wait', 'output', 'stat', 'ping']);
  const repeatable = Object.entries(verbs).filter(([, traits]) => traits.repeatable);
  expect(repeatable.map(([name]) => name)).toEqual([
    ...readable.map(([name]) => name).slice(0, 6),
    'env',
    'profile',
    'forward',
    'ping',
  ]);
});

test('bytes in one piece pass up to what is held of a message', () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(maxHeldBytes)])
    expect(parseBody('send', { path: '/Xab/a', content: { type: 'whole', bytes } })).toMatchObject({
      ok: true,
      value: { content: { bytes } },
    });
});

test('32 KiB of a message are held', () => {
  expect(maxHeldBytes).toBe(32 * 1024);
});
