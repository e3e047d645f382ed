import { systemClock } from '@circuit/base';
import { ChannelSession, type SessionOptions } from '@circuit/channel';
import { conformanceRows, type Connect, runRows } from '@circuit/channel/conformance';
import { dialWebSocket } from '@circuit/channel/websocket';
import { BrowserWebSocketCarrier } from '../../../src/carriers/websocket/websocket-browser-carrier.js';
import { closingPair } from '../../support/closing-pair.js';
import { throughWorker } from '../../support/port-transports.js';
import { expect } from './expect.js';
import { browser } from './globals.js';

const quiet: SessionOptions = { keepAliveMs: 0 };
let pairs = 0;

/** Both sessions are in the page, each with a WebSocket to the server, which carries every byte between them. */
const connectWebSocket: Connect = async ({ a, b } = {}) => {
  const url = `ws://${browser.location.host}/join?pair=${pairs++}`;
  const dialled = dialWebSocket({ url, session: { ...quiet, ...a } });
  const socket = new browser.WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const carrier = new BrowserWebSocketCarrier(socket, { carrier: 'websocket', address: url }, systemClock);
  await new Promise<void>((resolve) => {
    socket.onopen = resolve;
  });
  return closingPair(await dialled, new ChannelSession(carrier, 'listener', { ...quiet, ...b }));
};

const transports: Readonly<Record<string, Connect>> = {
  'page to web worker': throughWorker(new browser.Worker('/joining-worker.js', { type: 'module' })),
  'page to server by WebSocket': connectWebSocket,
};

/** Runs one row; throws what it throws. */
async function runRow(transport: string, name: string): Promise<void> {
  const runs: (() => Promise<void>)[] = [];
  const test = Object.assign((_name: string, run: () => Promise<void>): void => void runs.push(run), {
    skip: (): void => undefined,
  });
  const rows = conformanceRows.filter((row) => row.name === name);
  runRows(rows, { transport, test, expect, connect: transports[transport] as Connect });
  if (runs.length !== 1) throw new Error(`no row is named "${name}"`);
  for (const run of runs) await run();
}

browser.calls = { runRow: (transport = '', name = '') => runRow(transport, name) };
