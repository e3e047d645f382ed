import { CircuitError, type ErrorCode } from '@circuit/base';
import { socketError } from '../socket/socket-error.js';

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'denied',
  403: 'denied',
  407: 'denied',
  404: 'not-found',
  410: 'not-found',
  429: 'unreachable',
};

/** An answer other than the one that begins a session: `dial http2 https://host/path: refused with 401 (Basic realm="x")`. */
export function httpRefusal(what: string, status: number, challenge?: string | string[]): CircuitError {
  // Who answers 5xx does not serve now; everything else that is no refusal is no listener of ours.
  const code = codes[status] ?? (status >= 500 ? 'unreachable' : 'protocol');
  const hint = challenge === undefined ? '' : ` (${String(challenge).slice(0, 200)})`;
  return new CircuitError(code, `${what}: refused with ${status}${hint}`, {
    detail: `HTTP ${status}`,
    retryable: code === 'unreachable',
  });
}

/** What Node and its HTTP parser say when a dial fails before there is an answer. */
export function httpError(what: string, error: Error): CircuitError {
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  if (errno === '' || errno.startsWith('HPE_') || errno.startsWith('ERR_HTTP2')) {
    return new CircuitError('protocol', `${what}: ${error.message}`, {
      cause: error,
      ...(errno === '' ? {} : { detail: errno }),
    });
  }
  if (/CERT|SIGNATURE|ISSUER/.test(errno)) {
    return new CircuitError('denied', `${what}: the certificate is not trusted: ${error.message}`, {
      cause: error,
      detail: errno,
    });
  }
  return socketError(what, error);
}
