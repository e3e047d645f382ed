import type { Session } from '@circuit/channel';
import { dial, type DialOptions, listen, type ListenOptions, MemoryNetwork } from '@circuit/channel/dial';
import { keyAuth } from '@circuit/channel/auth';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUrl } from '../../../src/carriers/url/address.js';
import { listenAuth } from '../../support/auth-pair.js';

test('each form of address is read', () => {
  const cases: [string, object][] = [
    ['memory:jobs', { scheme: 'memory', name: 'jobs' }],
    ['worker:', { scheme: 'worker', name: 'worker' }],
    ['worker:crunch', { scheme: 'worker', name: 'crunch' }],
    ['unix:/run/a%20b.sock', { scheme: 'unix', path: '/run/a%20b.sock' }],
    ['unix:///run/x', { scheme: 'unix', path: '/run/x' }],
    ['tcp://127.0.0.1:0', { scheme: 'tcp', host: '127.0.0.1', port: 0 }],
    ['TLS://[::1]:4600/', { scheme: 'tls', host: '::1', port: 4600 }],
    ['ws://example.org/a?b', { scheme: 'ws', host: 'example.org', port: 80 }],
    ['https://example.org', { scheme: 'https', host: 'example.org', port: 443 }],
  ];
  for (const [text, address] of cases) expect(parseUrl(text)).toMatchObject(address);
});

test('what is no address is refused with what is wrong and what it should look like', () => {
  const cases: [string, RegExp][] = [
    ['', /unknown scheme; known are memory:NAME, worker:/],
    ['ftp://host:1', /address ftp:\/\/host:1: unknown scheme/],
    ['toString:x', /unknown scheme/],
    ['constructor:x', /unknown scheme/],
    ['tcp://host', /the port is missing, want tcp:\/\/HOST:PORT/],
    ['tls:host:1', /want tls:\/\/HOST:PORT/],
    ['tcp://host:99999', /want tcp:/],
    ['tcp://:1', /want tcp:/],
    ['tls://host:1/path', /nothing may stand behind the port/],
    ['tcp://me:secret@host:1', /address tcp:\/\/…@host:1: a user does not belong here/],
    ['ws://host/#x', /a fragment does not belong here/],
    ['memory:', /the name is missing/],
    ['unix:run/x', /want an absolute path/],
    ['unix://host/x', /want an absolute path/],
  ];
  for (const [text, message] of cases) {
    expect(() => parseUrl(text)).toThrow(message);
    try {
      parseUrl(text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid' });
    }
  }
});

test('any text is read or refused as invalid', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((rest) => `tcp://${rest}`),
      ),
      (text) => {
        try {
          parseUrl(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
        }
      },
    ),
  );
});

test('options that make no sense for an address are refused by name, before anything is opened', async () => {
  const memory = new MemoryNetwork();
  const dials: [string, unknown, RegExp][] = [
    ['tcp://h:1', { psk: {} }, /dial tcp:\/\/h:1: unknown option psk, known are signal, session/],
    ['tcp://h:0', {}, /port 0 is for listeners/],
    ['memory:x', {}, /the option memory is missing/],
    ['worker:', {}, /the option worker is missing/],
    ['tls://h:1', {}, /the option tls is missing/],
    ['memory:x', { memory, resume: true }, /resume makes no sense/],
    ['ws://h', { http: { tls: {} } }, /http.tls makes no sense without encryption; use wss:/],
    ['tcp://h:1', { session: { auth: keyAuth(listenAuth) } }, /a dialler wants/],
    ['tcp://h:1', null, /dial tcp:\/\/h:1: options of type null, want an object/],
    ['tcp://h:1', 5, /options of type number, want an object/],
    ['tcp://h:1', { session: null }, /the option session is of type null, want an object/],
    ['tcp://h:1', { http: 5 }, /the option http is of type number, want an object/],
    ['tcp://h:1', { signal: {} }, /signal of type object, want an AbortSignal/],
    ['memory:x', { memory: {} }, /the option memory is no MemoryNetwork/],
    ['tcp://h:1', { session: { limits: { maxChannels: 0 } } }, /maxChannels/],
  ];
  for (const [url, options, message] of dials) {
    const dialling = dial(url, options as DialOptions);
    await expect(dialling).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message) as string,
    });
  }
  const listens: [string, unknown, RegExp][] = [
    ['tcp://h:1', { deadlineMs: 1 }, /listen tcp:\/\/h:1: unknown option deadlineMs/],
    ['wss://h', {}, /the option http.tls is missing/],
    ['http://h', { http: { origins: 'any' } }, /http.origins is for/],
  ];
  for (const [url, options, message] of listens) {
    const listening = listen(url, options as ListenOptions, () => undefined);
    await expect(listening).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message) as string,
    });
  }
});

test('an address may be a URL; what is neither text nor a URL is invalid, as is a listener without onSession', async () => {
  const sessions: Session[] = [];
  const listener = await listen(new URL('tcp://127.0.0.1:0'), {}, (session) => void sessions.push(session));
  const session = await dial(new URL(listener.url));
  await session.close();
  await Promise.all(sessions.map((one) => one.close()));
  await listener.close();
  for (const nothing of [undefined, null, 5, {}]) {
    const refusal = {
      code: 'invalid',
      message: expect.stringMatching(/address of type .*, want text or a URL/) as string,
    };
    await expect(dial(nothing as string)).rejects.toMatchObject(refusal);
    await expect(listen(nothing as string, {}, () => undefined)).rejects.toMatchObject(refusal);
  }
  const none = undefined as unknown as () => void;
  await expect(listen('tcp://127.0.0.1:0', {}, none)).rejects.toMatchObject({ code: 'invalid' });
  const missing = undefined as unknown as ListenOptions;
  await expect(listen('tcp://127.0.0.1:0', missing, () => undefined)).rejects.toMatchObject({ code: 'invalid' });
});
