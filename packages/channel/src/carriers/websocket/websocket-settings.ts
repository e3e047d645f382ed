import type { SessionOptions } from '../../session/options.js';
import { maxWebSocketMessageBytes } from '../web/http-options.js';

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

/**
 * The options with a smaller window for streams, if they say none: masked and unmasked in JavaScript a stream is so slow that small messages
 * would wait too long behind the window of a socket.
 */
export function withStreamWindow<T extends { readonly session?: SessionOptions | undefined }>(options: T): T {
  const { session } = options;
  return { ...options, session: { ...session, limits: { streamWindowBytes: 524_288, ...session?.limits } } };
}
