import type { Connect } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { describe } from 'vitest';
import { CutTransport } from './cut-transport.js';
import {
  connectBrowserWebSocket,
  connectHttp2,
  connectHttp2Proxied,
  connectHttp2Tls,
  connectWebSocket,
  connectWebSocketTls,
} from './http-transports.js';
import { connectPorts } from './port-transports.js';
import {
  connectAuthenticated,
  connectCertificates,
  connectMemory,
  connectTcp,
  connectTls,
  connectUnix,
} from './transports.js';
import { connectWorker } from './worker.js';

const throughHaproxy = 'http2 through haproxy';

/** All that sessions run over, by the names of docs/conformance.md; a page in a browser has its own tests. */
export const everyTransport: Readonly<Record<string, Connect>> = {
  memory: connectMemory,
  tcp: connectTcp,
  'tcp with authentication': connectAuthenticated,
  'tcp, resuming, cut': new CutTransport(1).connect,
  unix: connectUnix,
  tls: connectTls,
  'tls with certificates': connectCertificates,
  websocket: connectWebSocket,
  'websocket over tls': connectWebSocketTls,
  'websocket of a browser': connectBrowserWebSocket,
  http2: connectHttp2,
  'http2 over tls': connectHttp2Tls,
  [throughHaproxy]: connectHttp2Proxied,
  'message-port': connectPorts,
  'worker threads': connectWorker,
};

/** The tests of `define` over each of `transports`; skipped where what one of them needs is not here. */
export function describeEach(
  transports: Readonly<Record<string, Connect>>,
  define: (transport: string, connect: Connect) => void,
): void {
  for (const [transport, connect] of Object.entries(transports)) {
    const skip = transport === throughHaproxy && !requires('haproxy');
    describe.skipIf(skip)(transport, () => define(transport, connect));
  }
}
