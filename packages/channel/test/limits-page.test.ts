import { readFileSync } from 'node:fs';
import { defaultLimits } from '@circuit/channel';
import { expect, test } from 'vitest';
import { maxHandshakeBytes } from '../src/auth/handshake.js';
import * as auth from '../src/auth/options.js';
import { defaultDeadlineMs } from '../src/carriers/dial-deadline.js';
import { defaultHandshakeMs } from '../src/carriers/handshake-timeout.js';
import { lingerMs } from '../src/carriers/http2/http2-carrier.js';
import { maxStreams } from '../src/carriers/http2/http2-listener.js';
import * as port from '../src/carriers/message-port/message-port-carrier.js';
import * as busyPoll from '../src/carriers/polling/busy-poll.js';
import * as pollLoop from '../src/carriers/polling/poll-loop.js';
import { maxPathBytes } from '../src/carriers/socket/place.js';
import { readBytes } from '../src/carriers/socket/read-memory.js';
import { maxWaitingConnections } from '../src/carriers/socket/waiting-connections.js';
import { maxWebSocketMessageBytes } from '../src/carriers/web/http-options.js';
import * as codec from '../src/codec/bounds.js';
import { maxCodecs } from '../src/codec/known-codecs.js';
import { maxHeldDescriptors } from '../src/descriptors/lane-arrivals.js';
import { maxQueuedDescriptors } from '../src/descriptors/lane-departures.js';
import * as laneDoor from '../src/descriptors/lane-door.js';
import { maxLeft } from '../src/descriptors/left-behind.js';
import { arrivalMs } from '../src/descriptors/passed-descriptor.js';
import { openingMs } from '../src/descriptors/unix-lane.js';
import * as gateway from '../src/gateway/gateway.js';
import { defaultMaxConnections } from '../src/gateway/socket-listener.js';
import { defaultConcurrency } from '../src/helpers/serve.js';
import { bufferBytes } from '../src/local/buffer-pool.js';
import { maxPassing } from '../src/local/splice-bytes.js';
import * as dialSession from '../src/resume/dial-session.js';
import { maxEarlyBytes } from '../src/resume/fresh-link.js';
import { maxPayloadBytes } from '../src/resume/handshake.js';
import * as resume from '../src/resume/options.js';
import { lastingMs } from '../src/resume/resume-carrier.js';
import { maxUnconfirmedBytes } from '../src/resume/resume-stream.js';
import * as door from '../src/resume/session-door.js';
import { minWindowBytes } from '../src/session/limits.js';
import { pieceBytes } from '../src/session/unread.js';
import * as writer from '../src/session/writer.js';
import { maxDepth } from '../src/values/lower.js';
import * as wire from '../src/wire/frame.js';

const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function size(bytes: number): string {
  for (const [name, unit] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes % unit === 0) return `${count(bytes / unit)} ${name}`;
  }
  return `${count(bytes)} bytes`;
}

function seconds(ms: number): string {
  return `${count(ms / 1000)} s`;
}

const { bufferBytes: keptBytes, timeMs } = resume.resolveResume(true) as { bufferBytes: number; timeMs: number };

/** How a row begins, and what stands in it by the numbers of the code. */
test.each<[string, ...string[]]>([
  ['channels and streams in the peer', `${count(defaultLimits.maxChannels)} (\`maxChannels\`)`],
  ['one message after encoding', `${size(defaultLimits.maxMessageBytes)} (\`maxMessageBytes\`)`],
  ['unread bytes of a channel', `${size(defaultLimits.windowBytes)} (\`windowBytes\`, ≥ ${size(minWindowBytes)})`],
  ['unread bytes of a stream', size(defaultLimits.streamWindowBytes), `≥ ${size(minWindowBytes)})`],
  [
    'unread bytes of a session',
    `${size(defaultLimits.maxUnreadBytes)} (\`maxUnreadBytes\`)`,
    `${pieceBytes} bytes more`,
  ],
  ['messages on one channel that were written', `${count(defaultLimits.maxPendingSends)} (\`maxPendingSends\`)`],
  ['sends that wait on one channel', `${count(defaultLimits.maxPendingSends)} (\`maxPendingSends\`)`],
  ['pieces of a stream that are with a relay', `| ${maxPassing}, and`],
  ['calls of `serve` under way', `${count(defaultConcurrency)} (\`concurrency\`)`],
  ['memory that a thread keeps', `in buffers of ${size(bufferBytes)}; ${size(readBytes)} for all`],
  ['body of a frame; a frame', `${size(wire.maxBodyBytes)}; ${size(wire.maxLength)}`],
  ['ends in one message', `| ${wire.maxRefs} |`],
  ['nesting of a value', `${maxDepth} as it is sent; ${codec.maxDepth} as it arrives`],
  ['a bigint', `${count(codec.maxBigintDigits)} characters`],
  ['lists, objects and values', count(codec.maxParts)],
  [
    'target, origin, codec name',
    `${count(wire.maxTargetBytes)}; ${count(wire.maxOriginBytes)}; ${wire.maxCodecNameBytes} bytes`,
  ],
  ['code, message, detail', `${count(wire.maxReasonBytes)} bytes each`],
  ['bytes waiting in the socket', size(writer.highWaterBytes)],
  ['answers to a peer', size(writer.overflowBytes)],
  ['a wait spent awake', `${busyPoll.defaultMs} ms (\`busyPollMs\`, at most ${busyPoll.mostMs})`],
  [
    "a thread's time lost",
    `${pollLoop.mostLostMs} ms`,
    `${pollLoop.firstPauseMs} ms, twice as long each time, up to ${seconds(pollLoop.longestPauseMs)}`,
  ],
  ['writes of a thread', `| ${pollLoop.fewWrites} |`],
  ['codecs of a session', `| ${maxCodecs} |`],
  [
    'time without a connection',
    `${seconds(timeMs)} (\`timeMs\`, ${resume.minTimeMs} ms to ${resume.maxTimeMs / 86_400_000} day`,
    `within ${seconds(lastingMs)}`,
  ],
  [
    'bytes kept for a resume',
    `${size(keptBytes)} (\`bufferBytes\`, ${size(resume.minBufferBytes)} to ${size(resume.maxBufferBytes)})`,
  ],
  ['what has arrived and is not confirmed', size(maxUnconfirmedBytes)],
  ['one attempt to dial again', seconds(dialSession.attemptMs), `up to ${seconds(dialSession.longestPauseMs)}`],
  [
    'handshake of a connection that may resume',
    `${seconds(door.handshakeMs)}; ${size(maxEarlyBytes)} of bytes, ${size(maxPayloadBytes)} a frame`,
  ],
  ['connections of a listener in that handshake', `| ${count(door.maxHandshakes)} |`],
  ['sessions of a listener without a connection', `| ${count(door.maxAwaySessions)} |`],
  ['proof of the key on a new TLS connection', `${seconds(defaultHandshakeMs)} (\`handshakeMs\`)`],
  ['path of a Unix socket', `${maxPathBytes} bytes`],
  ['descriptors of a session on a Unix socket that arrived', `| ${maxHeldDescriptors}; 1 |`],
  ['such descriptors of sessions that have ended', `${count(maxLeft)} each`],
  ['descriptors of a session on a Unix socket that wait', `| ${count(maxQueuedDescriptors)} |`],
  ['arrival of a descriptor that is used', `| ${seconds(arrivalMs)} |`],
  ['arrival of a descriptor that is used; making of its lane', `| ${seconds(openingMs)} |`],
  ['first bytes of a connection to a Unix listener', `| ${seconds(laneDoor.firstBytesMs)} |`],
  ['connections of a Unix listener', `| ${count(laneDoor.maxWaiting)} |`],
  ['dialling over TCP', `${seconds(defaultDeadlineMs)} (\`deadlineMs\`)`],
  ['authentication in band', `${seconds(auth.defaultHandshakeMs)} (`],
  ['its frames', `${count(maxHandshakeBytes)} bytes`],
  ['its key', `${auth.minKeyBytes} to ${count(auth.maxKeyBytes)} bytes; 1 to ${auth.maxIdentityBytes} bytes`],
  ['one message on a message port', size(port.chunkBytes)],
  ['bytes under way on a message port', `${size(port.windowBytes)} and a chunk`],
  ['one WebSocket message', size(maxWebSocketMessageBytes)],
  ['a connection of a listener over HTTP', `${seconds(defaultHandshakeMs)} (\`handshakeMs\`)`],
  ['connections of one listener, over', `| ${count(maxWaitingConnections)} |`],
  ['streams of an HTTP/2 connection', `| ${maxStreams} |`],
  ['a dial over HTTP', `${seconds(defaultDeadlineMs)} (\`deadlineMs\`)`],
  ["a peer's goodbye on WebSocket or HTTP/2", `| ${seconds(lingerMs)} |`],
  [
    'connections of a gateway',
    `${count(defaultMaxConnections)} (\`maxConnections\`); ${count(defaultMaxConnections)} (`,
  ],
  ['one dial of a gateway', `${seconds(gateway.defaultDialMs)} (\`dialMs\`)`],
  ['open connections of a gateway', `${seconds(gateway.defaultGraceMs)} (\`graceMs\`)`],
])('the page of limits says of "%s" what the code does', (beginning, ...numbers) => {
  const found = rows.filter((row) => row.startsWith(`| ${beginning}`));
  expect(found.length).toBe(1);
  for (const number of numbers) expect(found[0]).toContain(number);
});
