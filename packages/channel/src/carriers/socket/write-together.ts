import type { Socket } from 'node:net';

/**
 * Writes `pieces` with one call of the system. `true`: nothing waits to be written any more, and all of it is with the operating system, so that its memory
 * may be used again. For a socket of Node's own, that is, whose writes are over when the system or TLS has the bytes; any other stream may keep them.
 */
export function writeTogether(socket: Socket, pieces: readonly Uint8Array[]): boolean {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
  return socket.writableLength === 0;
}
