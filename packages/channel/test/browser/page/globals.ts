import type { PortTarget } from '@circuit/channel/message-port';
import type { BrowserWebSocket } from '../../../src/carriers/websocket/websocket-browser-carrier.js';

/** As much of a browser as the pages of the tests use; the tests are compiled with Node's types. */
interface Browser {
  readonly Worker: new (url: string, options: { readonly type: 'module' }) => PortTarget & { terminate(): void };
  readonly WebSocket: new (url: string) => BrowserWebSocket;
  readonly location: { readonly host: string };
  /** What the test calls in the page. */
  calls: Readonly<Record<string, (...args: readonly string[]) => Promise<unknown>>>;
}

export const browser: Browser = globalThis as unknown as Browser;
