export { CircuitError, type ErrorCode, isCircuitError } from '@circuit/base';
export { memoryPair } from './carriers/memory-pair.js';
export type { Codec, PluggedCodec, Revive } from './codec/codec.js';
export { Tagged } from './codec/codec.js';
export { json } from './codec/json.js';
export { messagePack } from './codec/messagepack.js';
export { plugCodec } from './codec/plug-codec.js';
export * as valueTag from './codec/tag.js';
export { copy } from './helpers/copy.js';
export { FailOver, type FailOverOptions } from './helpers/fail-over.js';
export { FanOut, type FanOutOptions } from './helpers/fan-out.js';
export { Hub, type HubOptions, type RequestOptions } from './helpers/hub.js';
export { queue } from './helpers/queue.js';
export { relay, relayBytes } from './helpers/relay.js';
export { type After, type Case, receiving, type SelectOptions, select, sending } from './helpers/select.js';
export { type Handler, handlerSender, type ServeOptions, serve } from './helpers/serve.js';
export { bytePipe } from './local/byte-pipe.js';
export { type Pipe, pipe } from './local/pipe.js';
export type { Authenticator } from './session/authenticator.js';
export type { Carrier, CarrierEvents } from './session/carrier.js';
export { defaultLimits, type LimitChanges, type SessionLimits } from './session/limits.js';
export type { SessionOptions } from './session/options.js';
export { ChannelSession } from './session/session.js';
export type { Role } from './session/table.js';
export type {
  Accepted,
  ByteDuplex,
  ByteReader,
  ByteWriter,
  CertificateInfo,
  Ended,
  OpenOptions,
  PeerInfo,
  Received,
  ReceiveOptions,
  ReceiveResult,
  Receiver,
  Sender,
  SendOptions,
  Session,
  SessionStats,
} from './types.js';
