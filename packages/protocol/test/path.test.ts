import { comparePaths, isBelow, isServerId, join, parent, parsePath, pathLimits, split } from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anchorPaths, segments } from './arbitraries.js';

function text(path: string): string | undefined {
  const parsed = parsePath(path);
  return parsed.ok ? parsed.value.text : undefined;
}

function complaint(path: unknown): string {
  const parsed = parsePath(path);
  return parsed.ok ? 'accepted' : parsed.error.message;
}

test('the root has no server and no segments', () => {
  expect(parsePath('/')).toEqual({ ok: true, value: { text: '/', server: undefined, segments: [] } });
});

test('a path names its server and its segments', () => {
  expect(parsePath('/X88550014d4c82e4d/this/is/charlie')).toEqual({
    ok: true,
    value: {
      text: '/X88550014d4c82e4d/this/is/charlie',
      server: 'X88550014d4c82e4d',
      segments: ['X88550014d4c82e4d', 'this', 'is', 'charlie'],
    },
  });
});

test('ids of any length are accepted and become lower case; one slash at the end is dropped', () => {
  expect(text('/X938fe923bcdef2390/a')).toBe('/X938fe923bcdef2390/a');
  expect(text('/Xa')).toBe('/Xa');
  expect(text('/XABC/Name/')).toBe('/Xabc/Name');
});

test.each([
  ['no first slash', 'Xab/a', 'has no first slash'],
  ['an empty text', '', 'has no first slash'],
  ['an empty name', '/Xab//a', 'has an empty name'],
  ['two slashes at the end', '/Xab//', 'has an empty name'],
  ['only slashes', '//', 'has an empty name'],
  ['a dot', '/Xab/./a', 'holds "."'],
  ['two dots', '/Xab/..', 'holds ".."'],
  ['NUL', '/Xab/a\0b', 'control character'],
  ['a line feed', '/Xab/a\nb', 'control character'],
  ['half a character', '/Xab/\ud800', 'half a character'],
  ['a server that is none', '/jobs/a', 'begins with "jobs"'],
  ['a bare X', '/X/a', 'begins with "X"'],
  ['a pattern', '/Xab/*', 'is a pattern'],
  ['any depth', '/Xab/...', 'is a pattern'],
])('a path with %s is refused', (_, path, message) => {
  expect(complaint(path)).toContain(message);
});

test('what is no text is refused with its value', () => {
  expect(complaint(7)).toBe('path is 7: give a text such as /X0123456789abcdef/jobs');
  expect(complaint(undefined)).toContain('path is absent');
  expect(complaint({})).toContain('path is an object');
});

test('a pattern in place of a path is told by the detail "glob"', () => {
  const parsed = parsePath('/Xab/*');
  expect(parsed.ok ? undefined : parsed.error).toMatchObject({ code: 'invalid', detail: 'glob' });
});

test('bounds count bytes of UTF-8 and are met exactly', () => {
  expect(text(`/Xab/${'ä'.repeat(127)}a`)).toBeDefined();
  expect(complaint(`/Xab/${'ä'.repeat(128)}`)).toContain('too long');
  expect(complaint(`/Xab/${'😀'.repeat(64)}`)).toContain('too long');
  expect(text(`/Xab${'/a'.repeat(pathLimits.depth - 1)}`)).toBeDefined();
  expect(complaint(`/Xab${'/a'.repeat(pathLimits.depth)}`)).toContain('too deep');
  expect(complaint(`/Xab${`/${'a'.repeat(250)}`.repeat(17)}`)).toContain('too long');
});

test('split, join and parent are the steps of a walk', () => {
  expect(split('/Xab/a/b')).toEqual(['Xab', 'a', 'b']);
  expect(split('/')).toEqual([]);
  expect(join('/Xab', 'a', 'b/c')).toBe('/Xab/a/b/c');
  expect(join('/', 'Xab')).toBe('/Xab');
  expect(parent('/Xab/a')).toBe('/Xab');
  expect(parent('/Xab')).toBe('/');
  expect(parent('/')).toBe('/');
});

test('below means strictly below, by whole names', () => {
  expect(isBelow('/Xab/a', '/Xab')).toBe(true);
  expect(isBelow('/Xab', '/')).toBe(true);
  expect(isBelow('/Xabc', '/Xab')).toBe(false);
  expect(isBelow('/Xab', '/Xab')).toBe(false);
  expect(isBelow('/', '/')).toBe(false);
});

test('server ids are X and hexadecimal digits', () => {
  expect(['X0', 'Xdead', 'XBEEF'].map(isServerId)).toEqual([true, true, true]);
  expect(['X', 'xab', 'Xag', 'Q12', 'X12/'].map(isServerId)).toEqual([false, false, false, false, false]);
});

test('a canonical path reads back as itself', () => {
  fc.assert(
    fc.property(anchorPaths, (path) => {
      const first = parsePath(path);
      if (!first.ok) throw first.error;
      expect(parsePath(first.value.text)).toEqual(first);
      expect(join('/', ...first.value.segments)).toBe(first.value.text);
    }),
  );
});

test('whatever comes, the decoder answers and accepts only clean names', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.anything(),
        segments.map((s) => `/Xab/${s}`),
      ),
      (value) => {
        const parsed = parsePath(value);
        if (!parsed.ok) expect(parsed.error.code).toBe('invalid');
        else for (const segment of parsed.value.segments) expect(segment).not.toMatch(/^\.{0,3}$|[/*\p{Cc}]/u);
      },
    ),
  );
});

test('the order of a tree puts a parent before its children and is antisymmetric', () => {
  fc.assert(
    fc.property(anchorPaths, anchorPaths, (a, b) => {
      expect(Math.sign(comparePaths(a, b)) + Math.sign(comparePaths(b, a))).toBe(0);
      if (isBelow(a, b)) expect(comparePaths(b, a)).toBeLessThan(0);
    }),
  );
  expect(['/Xab/a!', '/Xab/a/b', '/Xab/a', '/Xab'].sort(comparePaths)).toEqual([
    '/Xab',
    '/Xab/a',
    '/Xab/a/b',
    '/Xab/a!',
  ]);
});
