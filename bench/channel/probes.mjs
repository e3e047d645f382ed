// What is measured, against a session or a bare peer. Every probe answers with operations (or bytes) per second.
import { connect } from 'node:net';
import { bytePipe } from '@circuit/channel';
import { chunk, flight, message, ownSize, perSecond, record, times, worstPercent } from './common.mjs';
import { writeMessages } from './messages.mjs';

export async function oneWay(session, count, value = message) {
  const sender = session.open();
  await ask(sender, 1);
  await ask(sender, { want: 'count' });
  const rate = await perSecond(count, async () => {
    for (let i = 0; i < count; i++) await sender.send(value);
    const arrived = await ask(sender, { want: 'count' });
    if (arrived !== count) throw new Error(`${arrived} of ${count} messages arrived`);
  });
  sender.close();
  return rate;
}

export const oneWayRecord = (session, count) => oneWay(session, count, record);

export async function requests(session, inFlight, count) {
  const sender = session.open();
  const rate = await flight(inFlight, count, () => ask(sender, message));
  sender.close();
  return rate;
}

/** The answer to `value` over a return channel of its own. */
export async function ask(sender, value) {
  const back = await sender.send(value, { returns: true });
  const answer = await back.receive();
  if (answer.done) throw new Error('no answer');
  return answer.value;
}

/** Writes a stream as long as there is more; comes back when the far side has counted its bytes. */
async function pour(sender, more) {
  const { reader, writer } = bytePipe(1 << 20);
  const back = await sender.send({ want: 'bytes', stream: reader }, { returns: true });
  let bytes = 0;
  for (; more(); bytes += chunk.length) await writer.write(chunk);
  writer.close();
  const { value } = await back.receive();
  if (value !== bytes) throw new Error(`${value} of ${bytes} bytes arrived`);
}

export async function stream(session, bytes) {
  const sender = session.open();
  await ask(sender, 1);
  const rate = await perSecond(bytes, () => pour(sender, times(bytes / chunk.length)));
  sender.close();
  return rate;
}

/** The worst percent of small round trips beside a full-speed stream, in ms. */
export async function besideStream(session, count) {
  const [sender, bulk] = [session.open(), session.open()];
  await ask(sender, 1);
  const worst = await worstPercent(
    count,
    () => ask(sender, message),
    (more) => pour(bulk, more),
  );
  sender.close();
  bulk.close();
  return worst;
}

/** A bare socket to a far side that serves it in that mode. */
export function dialBare(address, mode) {
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
  const pingPong = () =>
    new Promise((resolve) => {
      let toSend = count;
      let left = count;
      let got = 0;
      const ping = (most) => {
        const pinged = Math.min(most, toSend);
        toSend -= pinged;
        if (pinged > 0) socket.write(pings.subarray(0, pinged * ownSize));
      };
      socket.on('data', (data) => {
        got += data.length;
        const pongs = Math.floor(got / ownSize);
        got -= pongs * ownSize;
        left -= pongs;
        if (left === 0) resolve();
        else ping(pongs);
      });
      ping(inFlight);
    });
  const rate = await perSecond(count, pingPong);
  socket.destroy();
  return rate;
}

export async function bareOneWay(address, count, value = message) {
  const socket = await dialBare(address, 'M');
  const rate = await perSecond(count, () => writeMessages(socket, count, value));
  socket.destroy();
  return rate;
}

export const bareOneWayRecord = (address, count) => bareOneWay(address, count, record);

export async function bareStream(address, bytes) {
  const socket = await dialBare(address, 'B');
  const rate = await perSecond(bytes, async () => {
    const done = new Promise((resolve) => socket.once('data', resolve));
    for (let left = bytes; left > 0; left -= chunk.length) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    socket.end();
    await done;
  });
  socket.destroy();
  return rate;
}
