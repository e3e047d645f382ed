import { maxWebSocketMessageBytes } from './websocket-options.js';

/** How both sides use `ws`. */
export const webSocketSettings: {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
  readonly closeTimeout: number;
} = {
  // Compression costs 0.3 MB of memory a connection and a thread-pool turn a message, and what a session carries is often
  // compressed or encrypted already; secrets beside chosen text would leak by length (CRIME).
  perMessageDeflate: false,
  maxPayload: maxWebSocketMessageBytes,
  closeTimeout: 5000,
};
