import type { Socket } from 'node:net';

/** Ends the connection so that the other side sees it fail: a reset where the system has one. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // A Unix socket knows no reset: there the close itself is all that can be said.
  if (socket.remoteFamily === undefined) socket.destroy();
  // libuv refuses a reset beside a shutdown that is under way, and Node leaves the descriptor open then, for good.
  else if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished)
    socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}
