export { ConnectionBudget } from './connection-budget.js';
export { dialSocket } from './dial-socket.js';
export {
  dialVia,
  type FarConnection,
  type FarListener,
  type FarSideOptions,
  listenVia,
  serveGateway,
} from './far.js';
export {
  type CarryFailure,
  type CarryOptions,
  type Dial,
  type Gateway,
  type GatewayOptions,
  startGateway,
} from './gateway.js';
export { type ReverseGateway, type ReverseOptions, startReverseGateway } from './reverse.js';
export { type SocketAddress, socketName } from './socket-address.js';
export type { SocketEnds } from './socket-ends.js';
