import { expect, test } from 'vitest';
import { forwardTarget, listenPlaces } from '../src/forward-rules.js';

const db = { host: 'db', port: 5432 };

test('a target names a server and what it reaches', () => {
  expect(forwardTarget('/Xab:db:5432')).toEqual({ server: '/Xab', to: db });
  expect(forwardTarget('/Xab:[::1]:80')).toEqual({ server: '/Xab', to: { host: '::1', port: 80 } });
  expect(forwardTarget('/Xab:unix:/run/s')).toEqual({ server: '/Xab', to: { path: '/run/s' } });
  expect(() => forwardTarget('db:5432')).toThrow('write /X…:HOST:PORT or /X…:unix:PATH');
  expect(() => forwardTarget('/Xab/below:db:5432')).toThrow('/Xab/below is no server');
});

test('without a place it is the same port on loopback, then any', () => {
  const any = { host: '127.0.0.1', port: 0 };
  expect(listenPlaces(undefined, db, false)).toEqual([{ host: '127.0.0.1', port: 5432 }, any]);
  expect(listenPlaces(undefined, { path: '/run/s' }, false)).toEqual([any]);
});

test('a place is a port, a host and a port, or a socket file', () => {
  expect(listenPlaces('80', db, false)).toEqual([{ host: '127.0.0.1', port: 80 }]);
  expect(listenPlaces('localhost:0', db, false)).toEqual([{ host: 'localhost', port: 0 }]);
  expect(listenPlaces('[::1]:80', db, false)).toEqual([{ host: '::1', port: 80 }]);
  expect(listenPlaces('unix:near', db, false)).toEqual([{ path: 'near' }]);
});

test('others reach it only where that was said', () => {
  for (const text of ['0.0.0.0:80', '10.0.0.7:80', '[::]:80', 'host.example:80']) {
    expect(() => listenPlaces(text, db, false)).toThrow('--public');
    expect(listenPlaces(text, db, true)).toHaveLength(1);
  }
});

test.each([
  '',
  'host',
  ':80',
  '70000',
  '[nonsense]:80',
  'unix:',
  `unix:${'x'.repeat(101)}`,
])('%j is no place', (text) => {
  expect(() => listenPlaces(text, db, true)).toThrow(expect.objectContaining({ code: 'invalid' }));
});
