import type { Clock, Logger, Timer } from '@circuit/base';

/** How long an address that was told of is only counted. */
export const refusalIntervalMs = 60_000;

/** Addresses that are told apart at one time; those beyond share one count. */
export const maxRefusedAddresses = 1000;

interface Counted {
  /** Since the last line. */
  count: number;
  /** What the last of them was. */
  who: string;
  timer: Timer;
}

/**
 * Tells of connections that were refused: one line for the first of an address, then at most one for each interval with their number. So
 * nobody can fill the log, and who mistypes a key is seen at once.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counted = new Map<string, Counted>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A connection from `address` (with its port) was refused; `reason` is what the carrier says. */
  add(address: string, reason: string): void {
    const who = describe(reason);
    this.#logger.debug('a connection was refused', { from: address, reason });
    const host = hostOf(address);
    const from = this.#counted.has(host) || this.#counted.size < maxRefusedAddresses ? host : 'many addresses';
    const known = this.#counted.get(from);
    if (known !== undefined) {
      known.count++;
      known.who = who;
      return;
    }
    this.#logger.warn(`${who} from ${from} was refused`);
    this.#counted.set(from, { count: 0, who, timer: this.#later(from) });
  }

  /** Says what is counted and not said yet. */
  close(): void {
    for (const [from, counted] of this.#counted) {
      counted.timer.cancel();
      this.#tell(from, counted);
    }
    this.#counted.clear();
  }

  #later(from: string): Timer {
    return this.#clock.after(refusalIntervalMs, () => {
      const counted = this.#counted.get(from);
      if (counted === undefined) return;
      if (counted.count === 0) {
        this.#counted.delete(from);
        return;
      }
      this.#tell(from, counted);
      counted.count = 0;
      counted.timer = this.#later(from);
    });
  }

  #tell(from: string, { count, who }: Counted): void {
    if (count === 0) return;
    const times = count === 1 ? 'once more' : `${count} more times`;
    this.#logger.warn(`${who} from ${from} was refused ${times}`);
  }
}

/** What OpenSSL and Node say of a handshake that failed, in our words. */
function describe(reason: string): string {
  if (/TIMEOUT/.test(reason)) return 'a client that said nothing';
  if (/^(?:ECONNRESET|EPIPE|ERR_SSL_UNEXPECTED_EOF)/.test(reason)) return 'a client that broke off';
  if (/BINDER|PSK|SIGNATURE|CERTIFICATE|SHARED|ALERT|DECRYPT|KEY/i.test(reason))
    return 'a client without the right key';
  return 'a client that does not speak our TLS, perhaps one with --insecure,';
}

/** Without the port, which is another one each time. */
function hostOf(address: string): string {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return host === '' || host === '?' ? 'an unknown address' : host;
}
