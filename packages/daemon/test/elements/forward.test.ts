import type { Receiver, Sender } from '@circuit/channel';
import type { AckOf, Connection } from '@circuit/protocol';
import { closedPort, type EchoServer, startEcho, until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Asked, TestClient } from '../support/request.js';
import { Rig } from '../support/rig.js';

let rig: Rig;
let client: TestClient;
let server: EchoServer;
let address: { readonly host: string; readonly port: number };

beforeEach(async () => {
  rig = await Rig.open({ limits: { maxForwarded: 2 } });
  client = rig.client();
  server = await startEcho();
  address = { host: '127.0.0.1', port: server.port };
});
afterEach(async () => {
  await rig.close();
  await until('no connection to be left', () => server.connections === 0);
  await server.close();
});

type Requests = Sender<AckOf<'forward'>>;

async function opened(by = client): Promise<{ readonly asked: Asked<'forward'>; readonly requests: Requests }> {
  const asked = by.ask('forward', { address: `${address.host}:${address.port}` });
  const told = await asked.next();
  if (told === undefined) throw await asked.result.catch((error: unknown) => error);
  expect(told.event).toEqual({ type: 'ready' });
  return { asked, requests: told.ret };
}

async function dial(requests: Requests, to = address): Promise<Connection> {
  const answers: Receiver = await requests.send({ type: 'dial', address: to }, { returns: true });
  const answer = await answers.receive({ returns: false });
  return answer.value as Connection;
}

async function says(connection: Connection, text: string): Promise<void> {
  await connection.writer.write(Buffer.from(text));
  expect(Buffer.from((await connection.reader.read()) ?? []).toString()).toBe(text);
}

test('connections to the one address, and to no other', async () => {
  const { asked, requests } = await opened();
  const connection = await dial(requests);
  await says(connection, 'hello');
  connection.writer.close();
  expect(await connection.reader.read()).toBeUndefined();
  await expect(dial(requests, { host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'denied' });
  await expect(dial(requests, 7 as never)).rejects.toMatchObject({ code: 'invalid' });
  requests.close();
  expect(await asked.result).toEqual({});
});

test('nobody there is told as such', async () => {
  address = { host: '127.0.0.1', port: await closedPort() };
  const { requests } = await opened();
  await expect(dial(requests)).rejects.toMatchObject({ code: 'unreachable', detail: 'ECONNREFUSED' });
});

test('the bound counts over all requests, and room comes back', async () => {
  const [one, two] = [await opened(), await opened()];
  const first = await dial(one.requests);
  await dial(two.requests);
  await expect(dial(two.requests)).rejects.toMatchObject({ code: 'limit' });
  first.reader.cancel();
  await until('the first to be gone', () => server.connections === 1);
  await says(await dial(two.requests), 'room');
});

test('the end of a request leaves its connections be, the end of the session resets them', async () => {
  const { asked, requests } = await opened();
  const connection = await dial(requests);
  requests.close();
  await asked.result;
  await says(connection, 'still there');
  client.session.abort();
  await until('it to be reset', () => server.connections === 0);
});

test('a request given up takes no more', async () => {
  const { asked, requests } = await opened();
  asked.giveUp();
  await expect(requests.closed).rejects.toMatchObject({ code: 'closed' });
});

test('a key that may only look is denied before anything is dialled', async () => {
  await expect(opened(rig.client('read'))).rejects.toMatchObject({ code: 'denied' });
});
