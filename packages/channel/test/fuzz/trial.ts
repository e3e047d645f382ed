import { seededRandom } from '@circuit/base';
import { settle } from '@circuit/testkit';
import { parseFrames, RawPeer } from '../support/raw-peer.js';
import * as frameType from '../../src/wire/frame-type.js';
import { readReason } from '../../src/session/reason.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { liveBytes } from '../support/live-bytes.js';
import { Exercise } from './exercise.js';
import { optionsFor, type Recording } from './recording.js';

const maxChannels = 64;
/** Memory that one conversation may take beyond what came in: what it sends, and buffers that begin small. */
const spareBytes = 4 * 1_048_576;

/** Lets a session in use hear `reads`; answers with what was wrong about how it took them, or `undefined`. */
export async function tryReads(
  { role, seed, proves }: Pick<Recording, 'role' | 'seed' | 'proves'>,
  reads: readonly Uint8Array[],
): Promise<string | undefined> {
  const peer = new RawPeer(role, { ...optionsFor({ role, proves }), limits: { maxChannels } });
  const { session, carrier } = peer;
  const program = new Exercise(session, seededRandom(seed));
  const before = process.memoryUsage().arrayBuffers;
  for (const read of reads) {
    try {
      carrier.events?.data(read);
    } catch (error) {
      return `threw ${String((error as Error).stack ?? error)}`;
    }
    await settle();
  }
  const { channels, unaccepted, unreadBytes } = session.stats;
  const heard = reads.reduce((sum, read) => sum + read.length, 0);
  const mayGrow = 4 * heard + spareBytes;
  let grown = process.memoryUsage().arrayBuffers - before;
  // Garbage that nobody has collected yet is nothing that the session holds.
  if (grown > mayGrow) grown = liveBytes() - before;
  if (channels > 2 * maxChannels + 3 || unaccepted > maxChannels)
    return `holds ${channels} channels, ${unaccepted} unaccepted`;
  if (unreadBytes < 0 || unreadBytes > heard + 100 * maxChannels)
    return `counts ${unreadBytes} unread bytes of ${heard}`;
  if (grown > mayGrow) return `took ${grown} bytes of memory for ${heard} bytes`;
  const ended = carrier.ended;
  peer.hangUp();
  await settle();
  const outcome = await session.closed;
  const last = parseFrames(join(carrier.written));
  const farewells = last.filter(({ type }) => type === frameType.goaway);
  if (farewells.length > 1 || (farewells.length === 1 && last.at(-1)?.type !== frameType.goaway))
    return 'spoke on behind GOAWAY';
  if (ended && outcome?.code === 'protocol') {
    const payload = farewells[0]?.payload;
    const said = payload && readReason(new ByteCursor(payload, 0, payload.length));
    if (said?.code !== 'protocol' || said.message.length < 10) return `ended without a reason: ${String(said)}`;
  }
  if (session.stats.channels !== 0) return `left ${session.stats.channels} channels in its table`;
  for (let turn = 0; program.pending.size > 0; turn++) {
    if (turn === 20) return `left hanging: ${[...program.pending].join(', ')}`;
    await settle();
  }
  if (program.surprises.length > 0) return `a call failed with ${String((program.surprises[0] as Error).stack)}`;
  return undefined;
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}
