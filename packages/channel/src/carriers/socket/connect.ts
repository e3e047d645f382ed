import type { Socket } from 'node:net';
import { abortError, CircuitError, onAbort } from '@circuit/base';
import { socketError } from './socket-error.js';

/**
 * Waits until `socket` emits `ready`. Rejects with what the system says (`unreachable`, `denied` …) or with the reason of
 * `signal`; the socket is destroyed then.
 */
export function connected<S extends Socket>(
  socket: S,
  ready: string,
  what: string,
  signal: AbortSignal | undefined,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const drop = (error: CircuitError): void => {
      socket.on('error', ignore);
      socket.destroy();
      reject(error);
    };
    const finish = (end: () => void): void => {
      release();
      socket.off('error', failed);
      socket.off('close', ended);
      socket.off(ready, done);
      end();
    };
    const done = (): void => finish(() => resolve(socket));
    const failed = (error: Error): void => finish(() => drop(socketError(what, error)));
    const ended = (): void =>
      finish(() => reject(new CircuitError('unreachable', `${what}: the other side hung up`, { retryable: true })));
    socket.on('error', failed);
    socket.on('close', ended);
    socket.on(ready, done);
    const release = onAbort(signal, () => {
      // The listeners come off first: a destroyed socket reports its end as well.
      queueMicrotask(() => finish(() => drop(abortError(signal as AbortSignal))));
    });
  });
}

function ignore(): void {}
