import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { CircuitError, onAbort, Scope } from '@circuit/base';
import { serveGateway } from '@circuit/channel/gateway';
import { exchange, ManualClock, startEcho, until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Forward, type ForwardOptions, startForward } from '../src/node/index.js';
import { TestServer } from './test-server.js';

/** What an attempt to reach the server meets. */
type Road = 'open' | 'refused' | 'silent';

let scope: Scope;
beforeEach(() => (scope = new Scope()));
afterEach(() => scope.close());

/** The port of a plain server that sends back what it gets. */
async function echo(): Promise<number> {
  const server = await startEcho();
  scope.defer(() => server.close());
  return server.port;
}

/** A server that dials for a forward, and can be away. */
class FarServer {
  readonly clock = new ManualClock();
  /** When an attempt to reach it began. */
  readonly attempts: number[] = [];
  readonly states: string[] = [];
  readonly failures: CircuitError[] = [];
  readonly #server = new TestServer('Xa', {
    forward: async (_, reply) => {
      await serveGateway(await reply.listen({ type: 'ready' }), { mayDial: () => true });
      return {};
    },
  });
  #road: Road = 'open';

  /** Cuts every session, as kill -9 does; what tries it meets `road` from now on. */
  kill(road: Road): void {
    this.#road = road;
    this.#server.kill();
  }

  /** It is there again. */
  start(): void {
    this.#road = 'open';
  }

  readonly connect: ForwardOptions['connect'] = async ({ signal }) => {
    this.attempts.push(this.clock.now());
    if (this.#road === 'refused') throw new CircuitError('unreachable', 'dial: connection refused');
    if (this.#road === 'silent')
      await new Promise((_, reject) => onAbort(signal, () => reject(signal.reason as CircuitError)));
    return this.#server.connect();
  };

  async forward(port: number): Promise<Forward> {
    const forward = await startForward({
      connect: this.connect,
      server: '/Xa',
      to: `127.0.0.1:${port}`,
      listen: [{ host: '127.0.0.1', port: 0 }],
      onState: ({ type }) => this.states.push(type),
      onFailure: ({ error }) => this.failures.push(error),
      clock: this.clock,
    });
    scope.use(forward);
    return forward;
  }

  /** Lets time pass in small steps until the next attempt begins. */
  async nextAttempt(): Promise<void> {
    const before = this.attempts.length;
    while (this.attempts.length === before) await this.clock.advance(50);
  }
}

test.each([
  'refused',
  'silent',
] as const)('a server that is away (%s): the port stays open and says so, and works again within 5 s of its return, whenever that is', async (road) => {
  const far = new FarServer();
  const { address } = await far.forward(await echo());
  expect(await exchange(address, 'before')).toBe('before');
  // The return comes at any moment of the schedule; the first begins where the loss is.
  for (const awayMs of [0, 1, 499, 500, 501, 2999, 3001, 3499, 60_050]) {
    far.kill(road);
    await until('the loss to be told', () => far.states.at(-1) === 'away');
    expect(await exchange(address, 'meanwhile')).toBe('ECONNRESET');
    expect(far.failures.splice(0)).toMatchObject([{ code: 'unreachable', message: '/Xa is away', detail: 'away' }]);
    await far.clock.advance(awayMs);
    const returned = far.clock.now();
    far.start();
    // An attempt that began before meets what was there then.
    await far.nextAttempt();
    expect(far.clock.now() - returned).toBeLessThanOrEqual(4000);
    await until('the return to be told', () => far.states.at(-1) === 'back');
    expect(await exchange(address, 'after')).toBe('after');
  }
  expect(far.states).toEqual(new Array(9).fill(['away', 'back']).flat());
});

test('attempts never pause for more than a second, however long the server is away', async () => {
  const far = new FarServer();
  await far.forward(await echo());
  far.kill('refused');
  await until('the loss to be told', () => far.states.at(-1) === 'away');
  far.attempts.length = 0;
  await far.nextAttempt();
  while (far.attempts.length < 200) await far.nextAttempt();
  const pauses = far.attempts.slice(1).map((at, i) => at - (far.attempts[i] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1000);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500);
});

test('a connection that is open when the server is lost is reset; closed while the server is away, nothing is left', async () => {
  const far = new FarServer();
  const forward = await far.forward(await echo());
  const client = connectSocket({ ...forward.address });
  client.write('x');
  await once(client, 'data');
  const failed = once(client, 'error');
  far.kill('silent');
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  await far.nextAttempt();
  await forward.close();
  expect(await exchange(forward.address, 'late')).toBe('ECONNREFUSED');
  expect(far.clock.pending).toBe(0);
});
