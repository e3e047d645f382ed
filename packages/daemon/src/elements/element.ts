import type { CircuitError } from '@circuit/base';
import type { ElementKind, ElementState, RequestOf, ResponseOf } from '@circuit/protocol';
import type { Call } from '../dispatch/call.js';

/** The verbs that act on the element at a path. */
export type ElementVerb = 'wait' | 'signal' | 'stdin' | 'output' | 'send' | 'recv' | 'close' | 'stat';

/** The verbs that speak to the server itself, whatever its path. */
export type ServerVerb = 'servers' | 'env' | 'rejoin' | 'suicide' | 'profile' | 'forward' | 'ping';

/** The verbs that make an element. */
export type MakeVerb = 'mkproc' | 'mkchan';

/**
 * Serves a verb. What it returns is the answer, what it throws the failure; what it waits for is withdrawn when the call's
 * client goes. Ends in the body are its own from then on.
 */
type Operation<V extends ElementVerb | ServerVerb> = (
  body: RequestOf<V>,
  call: Call<V>,
) => ResponseOf<V> | Promise<ResponseOf<V>>;

/** What an element can do; a verb that is not here is answered with `conflict`, detail `wrong-kind`. */
export type Operations = { readonly [V in ElementVerb | ServerVerb]?: Operation<V> };

/** What stands at an anchor. */
export interface Element {
  readonly kind: ElementKind;
  readonly operations: Operations;
  peek(): ElementState | Promise<ElementState>;
  /**
   * Ends the element; those who wait for it hear `aborted`. Called once, after the element has left its anchor. A handle to
   * it is answered by `operations.stat` for as long as the namespace remembers it, if there is one.
   */
  scrub(options: { readonly kill: boolean }): void | Promise<void>;
  /** The daemon ends and the element with it, or the daemon lets it be: those who wait hear `reason`. */
  release(reason: CircuitError): void;
}

/** Where a new element will stand. */
export interface Place {
  readonly path: string;
  readonly number: number;
  /** Takes the element away by itself, as its owner's `scrub` would not: it has come to its end. No change when it is gone. */
  vacate(): void;
}

/** What a maker answers: the element, and what its client hears. */
interface MadeElement<V extends MakeVerb> {
  readonly element: Element;
  readonly response: ResponseOf<V>;
}

/** Makes the element of a kind; throws if it cannot, and then leaves nothing behind. */
export type Maker<V extends MakeVerb> = (
  body: RequestOf<V>,
  place: Place,
  call: Call<V>,
) => MadeElement<V> | Promise<MadeElement<V>>;

/** The makers of all kinds. */
export type Makers = { readonly [V in MakeVerb]: Maker<V> };
