import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { WebSocketCarrier } from '../../src/carriers/websocket/websocket-carrier.js';
import { spliceCarriers } from './splice-carriers.js';

/** At `/join?pair=N` of `server`: whatever comes over the first connection of a pair goes out over the second, and back. */
export function joinWebSockets(server: Server): void {
  const sockets = new WebSocketServer({ noServer: true });
  const first = new Map<string, WebSocketCarrier>();
  server.on('upgrade', (request, socket, head) => {
    const url = request.url ?? '';
    if (!url.startsWith('/join?')) return;
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const carrier = new WebSocketCarrier(ws, socket, { carrier: 'websocket', address: url });
      const other = first.get(url);
      if (other === undefined) first.set(url, carrier);
      else {
        first.delete(url);
        spliceCarriers(other, carrier);
      }
    });
  });
}
