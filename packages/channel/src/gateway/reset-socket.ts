import type { Socket } from 'node:net';

/** Ends the connection so that the other side sees it fail: a reset where the system has one. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // A Unix socket knows no reset: there the close itself is all that can be said.
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
