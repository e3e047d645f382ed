import type { CircuitError } from '@circuit/base';
import type { ByteDuplex } from '../types.js';
import { End, type EndKind } from './end.js';
import type { RawReader, RawWriter } from './raw.js';

/** What carries the bytes of a descriptor that cannot be handed over itself; a direction it is not open for is missing. */
export interface RawDuplex {
  readonly reader?: RawReader | undefined;
  readonly writer?: RawWriter | undefined;
}

/**
 * An open file, pipe or socket in a message. Whoever holds it opens it or cancels it; sending it on moves it. How it is made
 * and opened in Node says `@circuit/channel/descriptors`.
 */
export abstract class Descriptor extends End {
  /** @internal */
  readonly endKind: EndKind = 'descriptor';
  /** Whether this is the thing itself. `false`: a byte stream stands in, as on every carrier that cannot hand it over. */
  abstract readonly passed: boolean;
  /** The byte stream that stands in. */
  abstract readonly stream: ByteDuplex | undefined;
  /** Gives it up and closes it. Twice is fine. */
  abstract cancel(reason?: unknown): void;
  /** {@link cancel} for who took it over. @internal */
  abstract cancelNow(reason: CircuitError): void;
  /** For who took it over and cannot hand it on. Rejects when it cannot be used. @internal */
  abstract standIn(): Promise<RawDuplex>;
}
