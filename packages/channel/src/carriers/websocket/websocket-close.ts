import { CircuitError } from '@circuit/base';

/** Sent for text: the session speaks binary messages only. */
export const unsupportedData = 1003;
export const messageTooBig = 1009;
/** The standard's codes are not a page's to send: a browser adds this to them. */
export const pageCodes = 3000;

/** Status codes of RFC 6455, 7.4.1, and those of a page, by which one side says that the other broke the rules. */
const accusations = /^[14]00[2379]$/;

/** The error that a close by the peer stands for, if it names a fault of ours. */
export function accusation(code: number, reason: string): CircuitError | undefined {
  if (!accusations.test(String(code))) return undefined;
  const why = reason === '' ? '' : `: ${reason}`;
  return new CircuitError('protocol', `the other side closed the WebSocket with ${code}${why}`);
}

/** A message of text where only bytes are spoken. */
export function textMessage(): CircuitError {
  return new CircuitError('protocol', 'a text message, want binary ones');
}
