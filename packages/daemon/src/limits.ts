/** The bounds of one daemon; who exceeds one hears `limit`, or is closed where nobody can be told. */
export interface DaemonLimits {
  /** Sessions that clients and servers opened; one more is refused. */
  readonly maxSessions: number;
  /** Requests of one session that are not yet answered; one more fails with `limit`. */
  readonly maxRequestsInFlight: number;
  /** How long a new session may say nothing before it is dropped. */
  readonly silentMs: number;
  /** Elements of the namespace. */
  readonly maxElements: number;
  /** Scrubbed elements that still answer those who hold a handle. */
  readonly maxRemembered: number;
  /** Senders, and receivers, that wait at one channel element. */
  readonly maxChanWaiters: number;
  /** Bytes that all channel elements hold for messages without a receiver. */
  readonly maxChanHeldBytes: number;
  /** Connections that this server holds on behalf of clients, of all its `forward` requests together. */
  readonly maxForwarded: number;
  /** How long a relayed request waits for the link to its server. */
  readonly linkMs: number;
  /** How long a stamped channel waits for its session to prove that it is a server's. */
  readonly proofMs: number;
}

export const defaultDaemonLimits: DaemonLimits = {
  maxSessions: 10_000,
  maxRequestsInFlight: 16_384,
  silentMs: 10_000,
  maxElements: 1_000_000,
  maxRemembered: 10_000,
  maxChanWaiters: 65_536,
  maxChanHeldBytes: 268_435_456,
  maxForwarded: 1024,
  linkMs: 5000,
  proofMs: 2000,
};
