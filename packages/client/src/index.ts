export { CircuitError, type ErrorCode, isCircuitError, type WaitOptions } from '@circuit/base';
export {
  type ChanState,
  type Cmd,
  type Entry,
  exitCodeOfProc,
  type Member,
  type PeekResponse,
  Phase,
  type ProcState,
  type ProfileName,
  type RejoinResponse,
  type SendResponse,
  type ServerState,
  type SignalName,
  split,
} from '@circuit/protocol';
export type { Anchor, Element } from './anchor.js';
export type { BytesInput, ByteStream, CollectOptions } from './bytes.js';
export type { Chan, Sendable } from './chan.js';
export type { Cluster } from './cluster.js';
export { connectSession, type ConnectSessionOptions } from './connect-session.js';
export type { Forwarding } from './forwarding.js';
export type { ListOptions } from './list.js';
export type { Message } from './message.js';
export type { Gap, Output, OutputOptions, OutputReading } from './output.js';
export type { Proc, ScrubOptions } from './proc.js';
export type { RunOptions, RunResult } from './run.js';
export type { ProfileOptions, Server } from './server.js';
export type { Stdin } from './stdin.js';
