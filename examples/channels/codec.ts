import { ChannelSession, type Codec, memoryPair, plugCodec } from '@circuit/channel';

/** Lists of numbers, four bytes each. */
const samples: Codec = {
  name: 'samples',
  encode(value) {
    if (!Array.isArray(value) || !value.every((n) => typeof n === 'number')) throw new Error('only lists of numbers');
    return new Uint8Array(Float32Array.from(value).buffer);
  },
  // A copy, for the bytes may begin anywhere. What it throws fails the channel with `protocol`.
  decode: (bytes) => [...new Float32Array(bytes.slice().buffer)],
};

// Both sides know it; whoever opens a channel chooses it (or `codec: 'samples'` beside `codecs`, for all channels).
const options = { codecs: [plugCodec(samples)] };
const [here, there] = memoryPair();
const dialler = new ChannelSession(here, 'dialler', options);
const listener = new ChannelSession(there, 'listener', options);

const sender = dialler.open<number[]>({ codec: 'samples' });
const sent = sender.send([0.5, 1, 1.5]);
const { receiver, codec } = await listener.accept();
console.log(codec, (await receiver.receive()).value);
await sent;
const wrong = dialler.open({ codec: 'samples' }).send('text');
await wrong.catch((error: unknown) => console.log(String(error)));
await dialler.close();
