/** Sessions by address, for the two sides of remote exec: `unix:/PATH` or `tcp:HOST:PORT`. Nothing else in them knows the transport. */
import type { Session } from '@circuit/channel';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialUnix, listenUnix } from '@circuit/channel/unix';

interface Place {
  readonly path: string;
  readonly host: string;
  readonly port: number;
}

function read(url: string): Place {
  const [, path = '', host = '', port = ''] = /^(?:unix:(\/.+)|tcp:(.+):(\d+))$/.exec(url) ?? [];
  if (path === '' && host === '') throw new Error(`address ${url}: write unix:/PATH or tcp:HOST:PORT`);
  return { path, host, port: Number(port) };
}

/** A session to who listens at `url`. */
export function dial(url: string): Promise<Session> {
  const { path, ...address } = read(url);
  return path === '' ? dialTcp(address) : dialUnix({ path });
}

/** Takes sessions at `url`; resolves to the address as it is then dialled. */
export async function listen(url: string, onSession: (session: Session) => void): Promise<string> {
  const { path, ...place } = read(url);
  const { address } = path === '' ? await listenTcp(place, onSession) : await listenUnix({ path }, onSession);
  return 'path' in address ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;
}
