import { connect, createServer, type Socket } from 'node:net';
import { systemClock, type WaitOptions } from '@circuit/base';
import { LaneDoor } from '../../descriptors/lane-door.js';
import { LeftBehind } from '../../descriptors/left-behind.js';
import { UnixLane } from '../../descriptors/unix-lane.js';
import { loadNative, type Native } from '../../native/native.js';
import type { Resume } from '../../resume/options.js';
import { SessionDoor } from '../../resume/session-door.js';
import type { SessionOptions } from '../../session/options.js';
import type { Session } from '../../types.js';
import { dialInTime } from '../dial-in-time.js';
import { connected } from './connect.js';
import { type Listener, type OnSession, type PathAddress, startListener } from './listener.js';
import { checkPlace } from './place.js';
import { ReadMemory, takeOver } from './read-memory.js';
import { SocketCarrier, type SocketExtras } from './socket-carrier.js';
import { WaitingConnections } from './waiting-connections.js';

export type { Listener, OnSession, PathAddress } from './listener.js';

/** Which socket file to dial or listen on. */
export interface UnixOptions {
  /** At most 100 bytes: the system cuts longer ones at 108 without a word. */
  readonly path: string;
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume | undefined;
  /**
   * Hands open files, pipes and sockets in messages over, if both sides do; of a peer's at most 64 are held that nobody has taken.
   * Default `true`, where the native part is there and without `resume`; else a byte stream stands in.
   */
  readonly descriptors?: boolean | undefined;
}

/** Of the dialled sessions of this thread. */
const left = new LeftBehind();

/** How to dial. */
export interface DialUnixOptions extends UnixOptions, WaitOptions {
  /** From the call to the session, proved if it is to prove a key; default 10,000. */
  readonly deadlineMs?: number | undefined;
}

/**
 * A session over a Unix socket; who may connect is up to the folder's mode. Rejects with `unreachable`, `denied`, `timeout` at the
 * deadline, `invalid` for a path or options that cannot work.
 */
export async function dialUnix(options: DialUnixOptions): Promise<Session> {
  const { path, session } = options;
  const what = `dial unix ${path}`;
  checkPlace(what, { path });
  const native = nativeFor(options);
  const lane =
    native && new UnixLane({ native, path, clock: session?.clock ?? systemClock, onOver: (held) => left.add(held) });
  const connectUnix = async (wait: WaitOptions): Promise<SocketCarrier> => {
    const memory = new ReadMemory();
    const socket = connect({ path, ...memory.options });
    await connected(socket, 'connect', what, wait.signal);
    return new SocketCarrier(socket, { carrier: 'unix', address: path, local: true }, { lane, memory });
  };
  return dialInTime(connectUnix, options, what);
}

/** Takes sessions on a Unix socket. The file must not exist; it goes when the listener closes. */
export async function listenUnix(options: UnixOptions, onSession: OnSession): Promise<Listener<PathAddress>> {
  const { path, session, resume } = options;
  const what = `listen unix ${path}`;
  checkPlace(what, { path });
  const native = nativeFor(options);
  const lanes = native && new LaneDoor(native, session?.clock ?? systemClock);
  const door = new SessionDoor({ session, resume, onSession });
  const waiting = new WaitingConnections();
  const peer = { carrier: 'unix', address: path, local: true };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: lanes === undefined }, (incoming) => {
    const begin = (socket: Socket, extras: SocketExtras): void =>
      door.accept(new SocketCarrier(socket, peer, extras), waiting.begin(socket));
    if (lanes !== undefined) {
      waiting.add(incoming);
      // What comes first tells a session from a lane, and is read as Node does.
      lanes.sort(incoming, () => begin(incoming, { lane: lanes.lane() }));
      return;
    }
    const { socket, memory } = takeOver(incoming);
    waiting.add(socket);
    begin(socket, { memory });
  });
  return startListener(server, { path }, what, waiting, door);
}

/** A session that resumes outlives the connections a lane belongs to. */
function nativeFor({ descriptors = true, resume = false }: UnixOptions): Native | undefined {
  return descriptors && resume === false ? loadNative().native : undefined;
}
