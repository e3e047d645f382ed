import { canMatchBelow, type Glob, isGlob, matchGlob, orThrow, parent, parseGlob, parsePath } from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anchorPaths } from './arbitraries.js';

function glob(text: string): Glob {
  return orThrow(parseGlob(text));
}

function matching(pattern: string, paths: readonly string[]): string[] {
  return paths.filter((path) => matchGlob(glob(pattern), path));
}

const tree = ['/', '/Xa', '/Xa/jobs', '/Xa/jobs/1', '/Xa/jobs/1/out', '/Xb', '/Xb/jobs', '/Xb/web-1', '/Xb/web-2/log'];

test.each([
  ['/*', ['/Xa', '/Xb']],
  ['/Xa', ['/Xa']],
  ['/Xa/*', ['/Xa/jobs']],
  ['/*/jobs', ['/Xa/jobs', '/Xb/jobs']],
  ['/...', tree.slice(1)],
  ['/**', tree.slice(1)],
  ['/Xa/...', ['/Xa/jobs', '/Xa/jobs/1', '/Xa/jobs/1/out']],
  ['/Xa/jobs/...', ['/Xa/jobs/1', '/Xa/jobs/1/out']],
  ['/.../jobs', ['/Xa/jobs', '/Xb/jobs']],
  ['/**/out', ['/Xa/jobs/1/out']],
  ['/Xb/web-*', ['/Xb/web-1']],
  ['/Xb/*b*1*', ['/Xb/web-1']],
  ['/X*/**/log', ['/Xb/web-2/log']],
  ['/', ['/']],
  ['/Xc/*', []],
])('%s matches what one expects', (pattern, expected) => {
  expect(matching(pattern, tree)).toEqual(expected);
});

test('a pattern is told from a path', () => {
  expect(['/*', '/Xa/...', '/Xa/**/b', '/Xa/a*'].map(isGlob)).toEqual([true, true, true, true]);
  expect(['/', '/Xa', '/Xa/a...', '/Xa/....', '/Xa/..'].map(isGlob)).toEqual([false, false, false, false, false]);
});

test('the prefix is where a walk begins, the server whom to ask', () => {
  expect(glob('/Xab/jobs/*/x')).toMatchObject({ prefix: '/Xab/jobs', server: 'Xab', literal: false, recursive: false });
  expect(glob('/*/jobs/...')).toMatchObject({ prefix: '/', server: undefined, recursive: true });
  expect(glob('/Xab/jobs')).toMatchObject({ prefix: '/Xab/jobs', literal: true });
});

test('hexadecimal digits of the server become lower case, ** becomes ...', () => {
  expect(glob('/XAB*/**/Q/').text).toBe('/Xab*/.../Q');
});

test.each([
  'Xab/*',
  '/jobs/*',
  '/Xab//*',
  '/Xab/../*',
  '/Xab/*\0',
  `/${'*/'.repeat(70)}`,
])('the pattern %j is refused', (text) => {
  expect(parseGlob(text)).toMatchObject({ ok: false, error: { code: 'invalid' } });
});

test('a branch that cannot match is not walked', () => {
  expect(canMatchBelow(glob('/Xa/jobs/*'), '/Xb')).toBe(false);
  expect(canMatchBelow(glob('/Xa/jobs/*'), '/Xa/jobs')).toBe(true);
  expect(canMatchBelow(glob('/Xa/jobs/*'), '/Xa/jobs/1')).toBe(false);
  expect(canMatchBelow(glob('/Xa/...'), '/Xa/jobs/1/2/3')).toBe(true);
});

test('a pattern made to run long ends at once', () => {
  const name = 'a'.repeat(250);
  expect(matchGlob(glob(`/Xa/${'*a'.repeat(60)}b`), `/Xa/${name}`)).toBe(false);
  expect(matchGlob(glob(`/${'.../a/'.repeat(30)}b`), `/Xa${'/a'.repeat(63)}`)).toBe(false);
});

const patterns = fc
  .tuple(anchorPaths, fc.array(fc.tuple(fc.nat(5), fc.constantFrom('*', '...', '**', 'a*', '*b'))))
  .map(([path, edits]) => {
    const names = path.slice(1).split('/');
    for (const [at, pattern] of edits) names[at % names.length] = pattern;
    if (names[0] === 'a*' || names[0] === '*b') names[0] = '*';
    return `/${names.join('/')}`;
  });

/** The meaning of a pattern by a regular expression, as a second opinion. */
function oracle(pattern: string): RegExp {
  const names = pattern.slice(1).split('/');
  const body = names.map((name, index) => {
    const last = index === names.length - 1;
    if (name === '...' || name === '**') return last ? '(/[^/]+)+' : '(/[^/]+)*';
    return `/${name.replace(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '[^/]*' : `\\${char}`))}`;
  });
  return new RegExp(`^${body.join('')}$`, 'u');
}

test('matching agrees with a regular expression', () => {
  fc.assert(
    fc.property(patterns, anchorPaths, (pattern, path) => {
      expect(matchGlob(glob(pattern), path)).toBe(oracle(pattern).test(path));
    }),
    { numRuns: 2000 },
  );
});

test('every ancestor of a match is worth walking, and the prefix lies on the way', () => {
  fc.assert(
    fc.property(patterns, anchorPaths, (pattern, path) => {
      const compiled = glob(pattern);
      fc.pre(matchGlob(compiled, path));
      expect(path === compiled.prefix || compiled.prefix === '/' || path.startsWith(`${compiled.prefix}/`)).toBe(true);
      for (let at = parent(path); ; at = parent(at)) {
        expect(canMatchBelow(compiled, at)).toBe(true);
        if (at === '/') break;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a path is a pattern that matches itself and nothing else', () => {
  fc.assert(
    fc.property(anchorPaths, anchorPaths, (a, b) => {
      expect(parsePath(a).ok).toBe(true);
      expect(matchGlob(glob(a), b)).toBe(a === b);
    }),
  );
});
