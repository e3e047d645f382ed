import { CircuitError, type ErrorRecord, errorRecord } from '@circuit/base';
import { Fields } from './fields.js';
import { type Parsed, parsing } from './parsed.js';
import type { AckOf, EventOf, ResponseOf, VerbName } from './verb.js';

/**
 * What comes back for a request, on the channel that came with it: any number of `event`, then exactly one `result` or
 * `failure`, then the end of the channel. A channel that ends without one of these two says that the link was lost.
 *
 * A client gives up by cancelling the channel; the daemon then withdraws what is not yet done.
 */
export type Reply<V extends VerbName = VerbName> =
  | { readonly type: 'event'; readonly event: EventOf<V> }
  | { readonly type: 'result'; readonly result: ResponseOf<V> }
  | { readonly type: 'failure'; readonly error: ErrorRecord };

/** A {@link Reply} after decoding, its error revived. */
export type ParsedReply<V extends VerbName = VerbName> =
  | { readonly type: 'event'; readonly event: EventOf<V> }
  | { readonly type: 'result'; readonly result: ResponseOf<V> }
  | { readonly type: 'failure'; readonly error: CircuitError };

/** The reply that tells `event`. */
export function eventReply<V extends VerbName>(event: EventOf<V>): Reply<V> {
  return { type: 'event', event };
}

/** The reply that ends a request well. */
export function resultReply<V extends VerbName>(result: ResponseOf<V>): Reply<V> {
  return { type: 'result', result };
}

/** The reply that ends a request with `error`; its cause and stack stay here. */
export function failureReply(error: CircuitError): Reply<never> {
  return { type: 'failure', error: errorRecord(error) };
}

/**
 * Reads a reply to a request of the verb `verb`. The form is checked, and that events and results are objects; their
 * fields are trusted, because the server has proved that it holds the key.
 */
export function parseReply<V extends VerbName>(verb: V, value: unknown): Parsed<ParsedReply<V>> {
  return parsing(() => {
    const fields = new Fields(value, `reply to ${verb}`);
    switch (fields.choice('type', ['event', 'result', 'failure'])) {
      case 'event':
        return { type: 'event', event: fields.object('event') as EventOf<V> };
      case 'result':
        return { type: 'result', result: fields.object('result') as ResponseOf<V> };
      case 'failure':
        return { type: 'failure', error: CircuitError.fromRecord(fields.value('error')) };
    }
  });
}

/** Reads the answer of a receiver to a message it was handed. */
export function parseRecvAck(value: unknown): Parsed<AckOf<'recv'>> {
  return parsing(() => {
    const fields = new Fields(value, 'acknowledgement');
    return fields.choice('type', ['acknowledged', 'refused']) === 'acknowledged'
      ? { type: 'acknowledged', bytes: fields.integer('bytes', 0) }
      : { type: 'refused', reason: fields.text('reason', { empty: true }) };
  });
}
