// The far side of every probe: run as a process of its own (`node serve.mjs KIND`) or inside the measuring one.
import { connect, createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipe, relay } from '@circuit/channel';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { listenHttp2 } from '@circuit/channel/http2';
import { listenUnix } from '@circuit/channel/unix';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { selfSigned } from './certificate.mjs';
import { heapBytes, identity, key, ownSize } from './common.mjs';
import { serveHttp2 } from './http2.mjs';
import { readMessages } from './messages.mjs';
import { turnOver } from './nested.mjs';

/** Answers requests with the same value, or with what they want; counts messages. */
export async function serveSession(session) {
  try {
    for (;;) void serveChannel((await session.accept()).receiver, { session, count: 0 });
  } catch {
    // The session is over.
  }
}

/** What a message can want: its answer, from the message and its channel. */
const wanted = {
  /** How many bytes of a stream there were. */
  async bytes({ stream }) {
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    return bytes;
  },
  /** How many messages came since the last such question. */
  count(_message, channel) {
    const { count } = channel;
    channel.count = 0;
    return count;
  },
  heap: () => heapBytes(),
  /** How many channels and streams the session's table holds. */
  table: (_message, { session }) => session.stats.channels,
  /** The same value over a channel that came along. */
  async answer({ on, value }) {
    await on.send(value);
    on.close();
  },
  /** A sender whose channel is served like this one. */
  sender(_message, { session }) {
    const { sender, receiver } = pipe();
    void serveChannel(receiver, { session, count: 0 });
    return sender;
  },
  /** So many channels opened and closed by this side. */
  async turnover({ channels }, { session }) {
    await turnOver(session, channels);
  },
};

async function serveChannel(receiver, channel) {
  for (;;) {
    const { done, value, ret } = await receiver.receive();
    if (done) return;
    if (value?.want === undefined) {
      channel.count++;
      void ret.send(value);
    } else await ret.send(await wanted[value.want](value, channel));
    ret.close();
  }
}

async function forward(session, dial) {
  const onward = await dial();
  try {
    for (;;) {
      const { receiver, target } = await session.accept();
      relay(receiver, onward.open({ target }));
    }
  } catch {
    await onward.close();
  }
}

/** Starts one kind of far side; resolves to `{address, close}`. */
export async function serve(kind, onward) {
  if (kind === 'tcp') return wrap(await listenTcp({ host: '127.0.0.1', port: 0 }, serveSession));
  if (kind === 'tcp-asleep') {
    return wrap(await listenTcp({ host: '127.0.0.1', port: 0, session: { busyPollMs: 0 } }, serveSession));
  }
  if (kind === 'tcp-resume') return wrap(await listenTcp({ host: '127.0.0.1', port: 0, resume: true }, serveSession));
  if (kind === 'tls') {
    return wrap(
      await listenTls(
        { host: '127.0.0.1', port: 0, pskFor: (id) => (id === identity ? key : undefined) },
        serveSession,
      ),
    );
  }
  if (kind === 'tls-certificates') {
    return secure((certificates) => listenTls({ host: '127.0.0.1', port: 0, certificates }, serveSession));
  }
  if (kind === 'wss') return secure((tls) => listenWebSocket({ host: '127.0.0.1', port: 0, tls }, serveSession));
  if (kind === 'http2-tls') return secure((tls) => listenHttp2({ host: '127.0.0.1', port: 0, tls }, serveSession));
  if (kind === 'unix') {
    const folder = mkdtempSync(join(tmpdir(), 'cbench-'));
    const listener = await listenUnix({ path: join(folder, 's') }, serveSession);
    return {
      address: listener.address,
      close: async () => (await listener.close(), rmSync(folder, { recursive: true, force: true })),
    };
  }
  if (kind === 'websocket') return wrap(await listenWebSocket({ host: '127.0.0.1', port: 0 }, serveSession));
  if (kind === 'http2') return wrap(await listenHttp2({ host: '127.0.0.1', port: 0 }, serveSession));
  if (kind === 'relay-tcp' || kind === 'relay-tcp-asleep') {
    const session = kind === 'relay-tcp' ? {} : { busyPollMs: 0 };
    return wrap(
      await listenTcp({ host: '127.0.0.1', port: 0, session }, (s) =>
        forward(s, () => dialTcp({ host: '127.0.0.1', port: onward.port, session })),
      ),
    );
  }
  if (kind === 'relay-tls') {
    const dial = () => dialTls({ host: '127.0.0.1', port: onward.port, psk: { identity, key } });
    return wrap(await listenTls({ host: '127.0.0.1', port: 0, pskFor: () => key }, (s) => forward(s, dial)));
  }
  if (kind === 'bare') return bare();
  if (kind === 'bare-proxy') return bareProxy(onward);
  if (kind === 'bare-http2') return serveHttp2();
  throw new Error(`unknown kind ${kind}`);
}

function wrap(listener) {
  return { address: listener.address, close: () => listener.close() };
}

const pong = Buffer.alloc(ownSize);

/** With a certificate of its own, which its address brings along for the dialler to trust. */
async function secure(listen) {
  const certificate = selfSigned();
  const listener = await listen(certificate);
  return { address: { ...listener.address, ca: certificate.cert }, close: () => listener.close() };
}

/** First byte of a connection: P ping-pong of 100 bytes, M MessagePack messages behind a u32 length, B bytes. */
function bare() {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (first) => {
      const mode = String.fromCharCode(first[0]);
      let bytes = 0;
      const onData = (chunk) => {
        bytes += chunk.length;
        if (mode === 'P' && bytes >= ownSize) {
          const whole = bytes - (bytes % ownSize);
          bytes -= whole;
          socket.write(whole === ownSize ? pong : Buffer.alloc(whole));
        }
      };
      if (first.length > 1 && mode !== 'M') onData(first.subarray(1));
      if (mode === 'M') readMessages(socket, first.subarray(1));
      else socket.on('data', onData);
      if (mode === 'B') socket.on('end', () => socket.end(String(bytes)));
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ address: server.address(), close: async () => server.close() }));
  });
}

/** What a relay is beside without channels: each connection piped to one onward. */
function bareProxy(onward) {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const to = connect({ host: '127.0.0.1', port: onward.port, noDelay: true, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, to],
      [to, near],
    ]) {
      socket.on('error', () => other.destroy());
      socket.pipe(other);
    }
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ address: server.address(), close: async () => server.close() }));
  });
}

if (process.argv[1] === import.meta.filename) {
  const onward = process.argv[3] === undefined ? undefined : JSON.parse(process.argv[3]);
  const { address } = await serve(process.argv[2], onward);
  process.stdout.write(`${JSON.stringify(address)}\n`);
  process.stdin.on('end', () => process.exit(0)).resume();
}
