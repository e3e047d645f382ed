// What is measured, against a session or a bare peer. Every probe answers with operations (or bytes) per second.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { bytePipe } from '@circuit/channel';
import { Encoder } from '@msgpack/msgpack';
import { message, ownSize, record } from './common.mjs';

const encoder = new Encoder();
const seconds = (from) => (performance.now() - from) / 1000;

export async function oneWay(session, count, value = message) {
  const sender = session.open();
  await ask(sender, 1);
  await ask(sender, { want: 'count' });
  const start = performance.now();
  for (let i = 0; i < count; i++) await sender.send(value);
  const arrived = await ask(sender, { want: 'count' });
  const took = seconds(start);
  sender.close();
  if (arrived !== count) throw new Error(`${arrived} of ${count} messages arrived`);
  return count / took;
}

export const oneWayRecord = (session, count) => oneWay(session, count, record);

export async function requests(session, inFlight, count) {
  const sender = session.open();
  await ask(sender, message);
  let left = count;
  const worker = async () => {
    while (left-- > 0) await ask(sender, message);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const took = seconds(start);
  sender.close();
  return count / took;
}

/** The answer to `value` over a return channel of its own. */
export async function ask(sender, value) {
  const back = await sender.send(value, { returns: true });
  const answer = await back.receive();
  if (answer.done) throw new Error('no answer');
  return answer.value;
}

export async function stream(session, bytes) {
  const sender = session.open();
  await ask(sender, 1);
  const { reader, writer } = bytePipe(1 << 20);
  const start = performance.now();
  const back = await sender.send({ want: 'bytes', stream: reader }, { returns: true });
  const chunk = new Uint8Array(65_536);
  for (let left = bytes; left > 0; left -= chunk.length) await writer.write(chunk);
  writer.close();
  const { value } = await back.receive();
  const took = seconds(start);
  sender.close();
  if (value !== bytes) throw new Error(`${value} of ${bytes} bytes arrived`);
  return bytes / took;
}

/** The worst percent of small round trips beside a full-speed stream, in ms. */
export async function besideStream(session, count) {
  const sender = session.open();
  await ask(sender, 1);
  const { reader, writer } = bytePipe(1 << 20);
  const bulk = session.open();
  const back = await bulk.send({ want: 'bytes', stream: reader }, { returns: true });
  let stop = false;
  const pour = (async () => {
    const chunk = new Uint8Array(65_536);
    while (!stop) await writer.write(chunk);
    writer.close();
  })();
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await ask(sender, message);
    times.push(performance.now() - start);
  }
  stop = true;
  await pour;
  await back.receive();
  sender.close();
  bulk.close();
  return times.sort((a, b) => a - b)[Math.floor(count * 0.99)];
}

function dialBare(address, mode) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, host: '127.0.0.1', noDelay: true }, () => {
      socket.write(mode);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

/** So many pings at once; each pong is followed by the next ping, those of one chunk by as many in one write. */
export async function barePingPong(address, count, inFlight = 1) {
  const socket = await dialBare(address, 'P');
  const pings = Buffer.alloc(inFlight * ownSize);
  const start = performance.now();
  await new Promise((resolve) => {
    let toSend = count;
    let left = count;
    let got = 0;
    const ping = (most) => {
      const pinged = Math.min(most, toSend);
      toSend -= pinged;
      if (pinged > 0) socket.write(pings.subarray(0, pinged * ownSize));
    };
    socket.on('data', (chunk) => {
      got += chunk.length;
      const pongs = Math.floor(got / ownSize);
      got -= pongs * ownSize;
      left -= pongs;
      if (left === 0) resolve();
      else ping(pongs);
    });
    ping(inFlight);
  });
  const took = seconds(start);
  socket.destroy();
  return count / took;
}

export async function bareOneWay(address, count, value = message) {
  const socket = await dialBare(address, 'M');
  const start = performance.now();
  const done = new Promise((resolve) => socket.once('data', resolve));
  for (let left = count; left > 0; ) {
    let batch = Buffer.allocUnsafe(16_384);
    let at = 0;
    for (let i = 0; i < 100 && left > 0; i++, left--) {
      const body = encoder.encodeSharedRef(value);
      if (at + 4 + body.length > batch.length) throw new Error('batch too small');
      at = batch.writeUInt32BE(body.length, at);
      batch.set(body, at);
      at += body.length;
    }
    batch = batch.subarray(0, at);
    if (!socket.write(batch)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  await done;
  const took = seconds(start);
  socket.destroy();
  return count / took;
}

export const bareOneWayRecord = (address, count) => bareOneWay(address, count, record);

export async function bareStream(address, bytes) {
  const socket = await dialBare(address, 'B');
  const start = performance.now();
  const done = new Promise((resolve) => socket.once('data', resolve));
  const chunk = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  await done;
  const took = seconds(start);
  socket.destroy();
  return bytes / took;
}

export async function http2Requests(address, inFlight, count) {
  const session = connectHttp2(`http://127.0.0.1:${address.port}`);
  const body = Buffer.alloc(ownSize);
  let left = count;
  const one = () =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/' });
      stream.on('error', reject);
      stream.on('data', () => undefined);
      stream.on('end', resolve);
      stream.end(body);
    });
  await one();
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const took = seconds(start);
  session.close();
  return count / took;
}

export async function http2Stream(address, bytes) {
  const session = connectHttp2(`http://127.0.0.1:${address.port}`, { settings: { initialWindowSize: 1 << 20 } });
  const start = performance.now();
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  const done = new Promise((resolve) => stream.on('end', resolve));
  stream.on('data', () => undefined);
  const chunk = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await done;
  const took = seconds(start);
  session.close();
  return bytes / took;
}
