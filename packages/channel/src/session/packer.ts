import { CircuitError, toCircuitError } from '@circuit/base';
import type { Codec, PluggedCodec } from '../codec/codec.js';
import { awayOf, bornReceiver } from '../home/away-of.js';
import { Descriptor } from '../local/descriptor.js';
import { End, type ForeignStream } from '../local/end.js';
import { nodeReader, nodeWriter } from '../local/foreign.js';
import { pumpBytes, pumpMessages } from '../local/pump.js';
import type { RawReader, RawReceiver, RawSender, RawWriter } from '../local/raw.js';
import { swallow } from '../local/swallow.js';
import { webReader, webWriter } from '../local/web-stream.js';
import { lower } from '../values/lower.js';
import { maxRefs, type RefKind } from '../wire/frame.js';
import * as refKind from '../wire/ref-kind.js';
import type { OutReference } from './data-frame.js';
import { Entry } from './entry.js';
import { InBytes } from './in-bytes.js';
import { InMessage } from './in-message.js';
import type { Link } from './link.js';
import { OutBytes } from './out-bytes.js';
import { OutMessage } from './out-message.js';
import { type Packed, type Packer, type PackOptions, withdraw } from './packed.js';
import { spliceMessages } from './splice.js';
import { Unpacker } from './unpacker.js';

/** Encodes the values of one session and makes an entry for every end in them, joined to what stood in the value. */
export class SessionPacker implements Packer {
  readonly #link: Link;
  readonly #unpacker: Unpacker = new Unpacker();
  #refs: OutReference[] | undefined;
  #codec: Codec | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  pack(value: unknown, codec: Codec, options: PackOptions): Packed {
    this.#refs = undefined;
    this.#codec = codec;
    if (options.returns && options.returnTo !== undefined) {
      throw new CircuitError('invalid', 'send: returns or returnTo, not both');
    }
    try {
      const receiver = options.returns ? this.#makeReturn(codec) : undefined;
      if (options.returnTo !== undefined && options.returnTo !== swallow) {
        this.#refs = [this.#refer(options.returnTo as unknown as End, codec)];
      }
      const ret = this.#refs !== undefined;
      const plain = lower(value, this.#take);
      return { body: encode(codec, plain), refs: this.#refs, ret, receiver };
    } catch (error) {
      const reason = toCircuitError(error);
      withdraw(this.#refs, reason);
      throw reason;
    }
  }

  /** An entry that this side is about to announce. */
  makeEntry(kind: RefKind, codec: Codec): Entry {
    const entry = new Entry(kind);
    if (kind === refKind.sender) entry.in = new InMessage(this.#link, entry, codec, this.#unpacker);
    if (kind === refKind.receiver) entry.out = new OutMessage(this.#link, entry, codec, this);
    if (kind === refKind.writer || kind === refKind.duplex) entry.in = new InBytes(this.#link, entry);
    if (kind === refKind.reader || kind === refKind.duplex) entry.out = new OutBytes(this.#link, entry);
    return entry;
  }

  /** An entry that the other side has announced. */
  acceptEntry(kind: RefKind, codec: Codec): Entry {
    const entry = new Entry(kind);
    if (kind === refKind.sender) entry.out = new OutMessage(this.#link, entry, codec, this);
    if (kind === refKind.receiver) entry.in = new InMessage(this.#link, entry, codec, this.#unpacker);
    if (kind === refKind.writer || kind === refKind.duplex) entry.out = new OutBytes(this.#link, entry);
    if (kind === refKind.reader || kind === refKind.duplex) entry.in = new InBytes(this.#link, entry);
    if (kind === refKind.descriptor) entry.in = this.#link.lane?.accept(this.#link, entry);
    return entry;
  }

  readonly #take = (end: End | ForeignStream): number => {
    this.#refs ??= [];
    if (this.#refs.length >= maxRefs) throw new CircuitError('limit', `more than ${maxRefs} ends in one message`);
    const codec = this.#codec as Codec;
    this.#refs.push(end instanceof End ? this.#refer(end, codec) : this.#referStream(end, codec));
    return this.#refs.length - 1;
  };

  #makeReturn(codec: Codec): InMessage {
    const entry = new Entry(refKind.sender);
    const input = bornReceiver(this.#link, entry, codec, this.#unpacker);
    entry.in = input;
    this.#refs = [{ entry }];
    return input;
  }

  referDescriptor(descriptor: Descriptor, codec: Codec): OutReference {
    descriptor.move();
    const entry = this.makeEntry(refKind.duplex, codec);
    const [input, output] = [entry.in as InBytes, entry.out as OutBytes];
    output.closed.catch((reason: unknown) => descriptor.cancelNow(toCircuitError(reason)));
    const settle = (): void => {
      if (this.#link.lane?.pass(this.#link, entry, descriptor) !== true) void standIn(descriptor, input, output);
    };
    return { entry, settle };
  }

  #refer(end: End, codec: Codec): OutReference {
    if (end instanceof Descriptor) return this.referDescriptor(end, codec);
    end.move();
    const entry = this.makeEntry(kindFor(end), codec);
    const { in: input, out: output } = entry;
    entry.away = awayOf(end, entry);
    const local: object = entry.away ?? end;
    switch (end.endKind) {
      case 'sender':
        if (local instanceof OutMessage && local.codec.name === codec.name) spliceMessages(input as InMessage, local);
        else void pumpMessages(input as InMessage, local as RawSender);
        break;
      case 'receiver':
        if (local instanceof InMessage && local.codec.name === codec.name) spliceMessages(local, output as OutMessage);
        else void pumpMessages(local as RawReceiver, output as OutMessage);
        break;
      case 'reader':
        void pumpBytes(local as RawReader, output as OutBytes);
        break;
      case 'writer':
        void pumpBytes(input as InBytes, local as RawWriter);
        break;
      case 'descriptor':
        break;
    }
    return { entry, home: (end as Partial<OutMessage>).entry };
  }

  #referStream(foreign: ForeignStream, codec: Codec): OutReference {
    switch (foreign.kind) {
      case 'web-readable': {
        const entry = this.makeEntry(refKind.reader, codec);
        void pumpBytes(webReader(foreign.stream), entry.out as OutBytes);
        return { entry };
      }
      case 'web-writable': {
        const entry = this.makeEntry(refKind.writer, codec);
        void pumpBytes(entry.in as InBytes, webWriter(foreign.stream));
        return { entry };
      }
      case 'node': {
        const { readable, writable, stream } = foreign;
        const kind = readable && writable ? refKind.duplex : readable ? refKind.reader : refKind.writer;
        const entry = this.makeEntry(kind, codec);
        if (entry.out !== undefined) void pumpBytes(nodeReader(stream), entry.out as OutBytes);
        if (entry.in !== undefined) void pumpBytes(entry.in as InBytes, nodeWriter(stream));
        return { entry };
      }
    }
  }
}

/** Carries the bytes of what cannot be handed over itself. */
async function standIn(descriptor: Descriptor, input: InBytes, output: OutBytes): Promise<void> {
  try {
    const { reader, writer } = await descriptor.standIn();
    if (reader === undefined) output.closeNow();
    else void pumpBytes(reader, output);
    if (writer === undefined) input.cancelNow(new CircuitError('invalid', 'not open for writing'));
    else void pumpBytes(input, writer);
  } catch (error) {
    const reason = toCircuitError(error);
    output.abortNow(reason);
    input.cancelNow(reason);
  }
}

function kindFor({ endKind }: End): RefKind {
  return endKind === 'descriptor' ? refKind.duplex : refKind[endKind];
}

function encode(codec: Codec, plain: unknown): Uint8Array {
  try {
    return codec.encode(plain);
  } catch (error) {
    // The two that are always there carry every value.
    throw 'refusal' in codec ? (codec as PluggedCodec).refusal(plain, error) : toCircuitError(error, 'unsupported');
  }
}
