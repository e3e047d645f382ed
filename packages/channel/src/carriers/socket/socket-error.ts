import { CircuitError, type ErrorCode } from '@circuit/base';

const codes: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'peer-gone',
  EPIPE: 'peer-gone',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ENOENT: 'unreachable',
  ETIMEDOUT: 'timeout',
  EADDRINUSE: 'conflict',
  EADDRNOTAVAIL: 'invalid',
  EACCES: 'denied',
  EPERM: 'denied',
  EMFILE: 'limit',
  ENFILE: 'limit',
};

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'no such host',
  ENOENT: 'no such socket',
  ETIMEDOUT: 'timed out',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available on this machine',
  EACCES: 'permission denied',
};

/** What Node says of sockets, in our words: `dial tcp 10.0.0.7:4600: connection refused`. The one place that maps it. */
export function socketError(what: string, error: Error): CircuitError {
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  const code = codes[errno] ?? (errno.startsWith('ERR_SSL') || errno.startsWith('ERR_TLS') ? 'denied' : 'io');
  return new CircuitError(code, `${what}: ${words[errno] ?? error.message}`, {
    cause: error,
    ...(errno === '' ? {} : { detail: errno }),
    retryable: code === 'unreachable' || code === 'timeout',
  });
}
