import type { ByteSink, ByteSource, Content } from './byte-end.js';
import type { Cmd } from './command.js';
import type { ElementKind } from './kind.js';
import type { Right } from './right.js';
import type { SignalName } from './signal-name.js';
import type { SocketTarget } from './socket-target.js';
import type { ChanState, ElementState, ProcState } from './state.js';

/** An anchor, and if `element` is given the very element that is meant: another one there is answered with `gone`. */
export interface AtElement {
  readonly path: string;
  readonly element?: number;
}

/** The answer to a verb that makes an element. */
export interface Made {
  /** Its number: never given twice by one server. */
  readonly element: number;
}

/** The answer of a verb that has nothing to say but that it is done. */
export type Done = Readonly<Record<string, never>>;

/** A server of the cluster. `joined` is ISO 8601 in UTC. */
export interface Member {
  readonly id: string;
  /** A circuit address that others can reach. */
  readonly addr: string;
  readonly name: string;
  readonly version: string;
  readonly dc: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly joined: string;
}

/** One line of a listing. */
export interface Entry {
  readonly path: string;
  readonly kind?: ElementKind;
  readonly element?: number;
  readonly hasChildren: boolean;
}

/** Children of `path`, or all that match it when it is a pattern; sorted as a tree, in pages. */
export interface LsRequest {
  readonly path: string;
  /** All descendants instead of the children. */
  readonly recursive?: boolean;
  /** Adds `kind` and `element` to the entries. */
  readonly long?: boolean;
  /** Goes on after this path, the `next` of the page before. */
  readonly after?: string;
  /** Entries in a page; absent: `requestLimits.page`. */
  readonly limit?: number;
}

export interface LsResponse {
  readonly entries: readonly Entry[];
  /** Present when there is more: pass it as `after`. */
  readonly next?: string;
}

/** All `null`: an anchor with children and no element. */
export interface PeekResponse {
  readonly kind: ElementKind | null;
  readonly element: number | null;
  readonly state: ElementState | null;
}

/** `kill` also ends the process group of a process. */
export interface ScrubRequest extends AtElement {
  readonly kill?: boolean;
}

export interface MkprocRequest {
  readonly path: string;
  readonly cmd: Cmd;
}

export interface MkprocResponse extends Made {
  readonly pid: number;
}

export interface MkchanRequest {
  readonly path: string;
  readonly capacity: number;
}

export interface SignalRequest extends AtElement {
  readonly signal: SignalName;
}

/** Which output of a process. */
export type OutputStream = 'stdout' | 'stderr';

export interface OutputRequest extends AtElement {
  readonly stream: OutputStream;
  /** The absolute offset to begin at; `end`: what is still to come; absent: the very first (mode `pipe`: the first not yet read). */
  readonly offset?: number | 'end';
  /** Goes on until the stream ends (default); false: until what is there now has been read. */
  readonly follow?: boolean;
}

/**
 * What comes before the end of an `output`. A reader reads a segment to its end before it takes the next event, so a gap
 * stands exactly where bytes are missing.
 */
export type OutputEvent =
  | { readonly type: 'segment'; readonly offset: number; readonly source: ByteSource }
  | { readonly type: 'gap'; readonly from: number; readonly to: number };

/** `offset`: after the last byte sent. `ended`: no byte will ever follow. */
export interface OutputResponse {
  readonly offset: number;
  readonly ended: boolean;
}

/** Comes once the standard input is this client's; the sink takes bytes from then on. */
export interface StdinEvent {
  readonly type: 'open';
  readonly sink: ByteSink;
}

/** All bytes are with the process and its standard input is closed. */
export interface StdinResponse {
  readonly bytes: number;
}

export interface SendRequest extends AtElement {
  /** The server reads a stream only after it has accepted the offer. */
  readonly content: Content;
}

/**
 * The course of a send. `accepted`: matched with a receiver or given a place in the buffer; only now a stream is read.
 * `taken`: a receiver has what the buffer held. `receiver-gone`: it died with `bytes` delivered; `again` tells whether the
 * message was held whole and goes to the next receiver, else a failure `peer-gone` follows.
 */
export type SendEvent =
  | { readonly type: 'accepted'; readonly by: 'buffer' | 'receiver' }
  | { readonly type: 'taken' }
  | { readonly type: 'receiver-gone'; readonly bytes: number; readonly again: boolean };

/** The message is safe: wholly in the buffer, or acknowledged by its receiver to the end. Nothing else is a success. */
export interface SendResponse {
  readonly outcome: 'buffered' | 'acknowledged';
  readonly bytes: number;
}

/**
 * A message handed out, sent as a message that asks for an answer. The receiver reads it to its end and answers with a
 * {@link RecvAck}; when its channel ends without one, the message goes back to the front if it is held whole, marked
 * `redelivered`, else its sender hears `receiver-gone`.
 */
export interface RecvEvent {
  readonly type: 'message';
  readonly content: Content;
  readonly redelivered: boolean;
}

/** `acknowledged`: the end was seen after `bytes`, the message is consumed. `refused`: not this one, put it back. */
export type RecvAck =
  | { readonly type: 'acknowledged'; readonly bytes: number }
  | { readonly type: 'refused'; readonly reason: string };

/** The acknowledgement has arrived: the message is counted and will go to nobody else. */
export interface RecvResponse {
  readonly bytes: number;
}

/** The value that a message of a subscription holds. */
export type MemberEvent =
  | { readonly type: 'join' | 'leave'; readonly path: string }
  /** `count` events were dropped here, because nobody consumed them. */
  | { readonly type: 'dropped'; readonly count: number };

export interface RejoinResponse {
  /** False when the address belongs to this cluster already. */
  readonly changed: boolean;
  readonly members: number;
}

/** What can be looked at inside a running server. */
export const profileNames = ['stack', 'cpu', 'heap', 'handles'] as const;

export type ProfileName = (typeof profileNames)[number];

export interface ProfileRequest {
  readonly name: ProfileName;
  /** How long to sample, for `cpu`. */
  readonly ms?: number;
}

export interface ProfileEvent {
  readonly type: 'open';
  readonly source: ByteSource;
}

/** Connections of this server to `address`: `HOST:PORT` or `unix:/PATH`, looked up and dialled by the server itself. */
export interface ForwardRequest {
  readonly address: string;
}

/**
 * Sent as a message that asks for an answer: the client sends a {@link ForwardAck} for each connection it wants, and closes the channel when it
 * wants no more. The request is under way until then, so its failure tells that the server is gone.
 */
export interface ForwardEvent {
  readonly type: 'ready';
}

/**
 * One connection, please, to the address of the request; sent as a message that asks for an answer, which is a {@link Connection}, or the failure
 * of its channel: `unreachable`, `timeout`, `denied`, `limit`.
 */
export interface ForwardAck {
  readonly type: 'dial';
  readonly address: SocketTarget;
}

/** Both directions of a connection, each closed on its own; an abort or cancel resets it. */
export interface Connection {
  readonly reader: ByteSource;
  readonly writer: ByteSink;
}

export interface PingResponse {
  readonly id: string;
  /** The version of this protocol the server speaks. */
  readonly protocol: number;
  /** Milliseconds since the Unix epoch by the server's clock. */
  readonly wallMs: number;
}

interface Verb<Request, Response, Event = never, Ack = never> {
  request: Request;
  /** What comes, any number of times, before the answer. */
  event: Event;
  /** The answer of the client to an event. */
  ack: Ack;
  response: Response;
}

/** Every verb, with what goes each way. The client's `call` and the daemon's dispatch are typed from this map. */
export interface Verbs {
  servers: Verb<Done, { readonly members: readonly Member[] }>;
  ls: Verb<LsRequest, LsResponse>;
  peek: Verb<AtElement, PeekResponse>;
  scrub: Verb<ScrubRequest, { readonly kind: ElementKind }>;
  mkproc: Verb<MkprocRequest, MkprocResponse>;
  mkchan: Verb<MkchanRequest, Made>;
  wait: Verb<AtElement, ProcState>;
  signal: Verb<SignalRequest, Done>;
  stdin: Verb<AtElement, StdinResponse, StdinEvent>;
  output: Verb<OutputRequest, OutputResponse, OutputEvent>;
  send: Verb<SendRequest, SendResponse, SendEvent>;
  recv: Verb<AtElement, RecvResponse, RecvEvent, RecvAck>;
  close: Verb<AtElement, Done>;
  stat: Verb<AtElement, ChanState>;
  env: Verb<Done, { readonly env: readonly string[] }>;
  rejoin: Verb<{ readonly address: string }, RejoinResponse>;
  suicide: Verb<Done, Done>;
  profile: Verb<ProfileRequest, Done, ProfileEvent>;
  forward: Verb<ForwardRequest, Done, ForwardEvent, ForwardAck>;
  ping: Verb<Done, PingResponse>;
}

export type VerbName = keyof Verbs;
export type RequestOf<V extends VerbName> = Verbs[V]['request'];
export type EventOf<V extends VerbName> = Verbs[V]['event'];
export type AckOf<V extends VerbName> = Verbs[V]['ack'];
export type ResponseOf<V extends VerbName> = Verbs[V]['response'];

/** What one needs to know of a verb before calling it. */
export interface VerbTraits {
  readonly right: Right;
  /** Whether a client may call it again by itself when the link was lost; otherwise it says `outcome-unknown`. */
  readonly repeatable: boolean;
}

const look: VerbTraits = { right: 'read', repeatable: true };
const act: VerbTraits = { right: 'act', repeatable: false };

/** The traits of every verb. */
export const verbs: { readonly [V in VerbName]: VerbTraits } = {
  servers: look,
  ls: look,
  peek: look,
  scrub: act,
  mkproc: act,
  mkchan: act,
  wait: look,
  signal: act,
  stdin: act,
  output: look,
  send: act,
  recv: act,
  close: act,
  stat: look,
  // An environment often holds secrets, and so do a heap and a stack.
  env: { right: 'act', repeatable: true },
  rejoin: act,
  suicide: act,
  profile: { right: 'act', repeatable: true },
  // To ask for connections does nothing by itself.
  forward: { right: 'act', repeatable: true },
  ping: look,
};

/** Whether `value` names a verb. */
export function isVerbName(value: unknown): value is VerbName {
  return typeof value === 'string' && Object.hasOwn(verbs, value);
}
