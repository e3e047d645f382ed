import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { dialHttp } from '@circuit/channel/http';
import type { AuthenticationRequest } from '@circuit/channel/http2';
import { until } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { httpRoads } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const dials = [...httpRoads.map(({ name, dial }) => ({ name, dial })), { name: 'http', dial: dialHttp }];

async function listening(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  scope.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.each(dials)('a dial over $name', ({ dial }) => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['a line break in a value', { 'x-a': 'b\r\nx-c: secret' }, '"x-a": its value holds a line break'],
    ['a line break at the end', { authorization: 'secret\n' }, '"authorization": its value holds a line break'],
    ['a blank at the end', { 'x-a': 'secret ' }, '"x-a": its value holds a blank at an end'],
    ['a control character', { 'x-a': 'secret\0' }, '"x-a": its value holds a blank at an end, a control character'],
    ['what Latin-1 does not hold', { 'x-a': 'secret €' }, 'one beyond Latin-1; encode it'],
    ['no string', { 'x-a': 7 }, '"x-a": its value is of type number, want a string'],
    ['a space in a name', { 'x a': 'secret' }, '"x a": want a name of letters, digits'],
    ['a line break in a name', { 'x\na': 'secret' }, '"x\\na": want a name of letters, digits'],
    ['no name', { '': 'secret' }, '"": want a name of letters, digits'],
    ['a pseudo-header', { ':path': '/secret' }, '":path": want a name of letters, digits'],
    ['one of the connection', { Connection: 'close' }, '"Connection": the carrier says this one itself'],
    ['one of the body', { 'content-length': '5' }, '"content-length": the carrier says this one itself'],
    ['one that waits', { Expect: '100-continue' }, '"Expect": the carrier says this one itself'],
    ['one of the WebSocket', { 'Sec-WebSocket-Protocol': 'x' }, '"Sec-WebSocket-Protocol": the carrier says'],
    ['one name twice', { 'x-a': '1', 'X-A': '2' }, '"X-A": it is there twice'],
  ])('refuses %s among its headers before it connects', async (_what, headers, message) => {
    await refused({ headers: headers as Record<string, string> }, message);
  });

  test.each(['a%zz@', 'a:%@', '%ff@'])('refuses user and password %s before it connects', async (user) => {
    await refused({}, 'user or password of the address holds a % that begins no encoded character', user);
  });

  async function refused(options: object, message: string, user = ''): Promise<void> {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    const port = await listening(server);
    const dialling = dial({ url: `http://${user}${host}:${port}/`, session, ...options });
    await expect(dialling).rejects.toMatchObject({
      name: 'CircuitError',
      code: 'invalid',
      message: expect.stringContaining(message) as string,
    });
    await expect(dialling).rejects.toMatchObject({ message: expect.not.stringMatching(/secret|zz/) as string });
    // Behind this one nothing is left in the backlog.
    const last = connect({ host, port });
    await once(last, 'close');
    expect(connections).toBe(1);
  }
});

describe.each(httpRoads)('over $name', ({ dial, listen }) => {
  test('headers come as they were given, and an authorization counts more than user and password', async () => {
    const requests: AuthenticationRequest[] = [];
    const authenticate = (request: AuthenticationRequest): { identity: string } => {
      requests.push(request);
      return { identity: 'x' };
    };
    const listener = scope.use(await listen({ host, port: 0, authenticate, session }, arrivals.take));
    const headers = { 'X-Empty': '', 'x-!#$%&': 'a\tb  c', 'x-latin': 'é', Authorization: 'Bearer t' };
    const dialled = await dial({ url: `http://ada:pw@${host}:${portOf(listener)}/`, headers, session });
    expect(requests[0]?.headers).toMatchObject({
      'x-empty': '',
      'x-!#$%&': 'a\tb  c',
      'x-latin': 'é',
      authorization: 'Bearer t',
    });
    await dialled.close();
  });

  test('a dial that is given up a few turns behind its connection leaves nothing, and nothing throws', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).resume());
    const port = await listening(server);
    for (let turns = 0; turns < 12; turns++) {
      const controller = new AbortController();
      let socket: Socket | undefined;
      const made = (message: unknown): void => {
        ({ socket } = message as { socket: Socket });
        socket.once('connect', () => abortIn(turns, controller));
      };
      diagnostics.subscribe('net.client.socket', made);
      const dialling = dial({ url: `http://${host}:${port}/`, session, signal: controller.signal });
      diagnostics.unsubscribe('net.client.socket', made);
      await expect(dialling).rejects.toMatchObject({ code: 'cancelled' });
      await until('the connection to be gone', () => socket?.destroyed === true);
    }
  });
});

function abortIn(turns: number, controller: AbortController): void {
  if (turns === 0) controller.abort();
  else queueMicrotask(() => abortIn(turns - 1, controller));
}
