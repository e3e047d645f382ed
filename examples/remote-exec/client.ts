/**
 * Remote exec, the side that asks: `node client.js URL COMMAND [ARGUMENT...]`. Exits with the status of the command. For `tls:` the
 * variable EXEC_KEY holds the key of both sides, in hexadecimal.
 */
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { bytePipe, type ByteReader, pipe } from '@circuit/channel';
import { dial } from '@circuit/channel/dial';

/** What a shell says of a command whose fate nobody knows. */
const unknownStatus = 255;

async function exec(url: string, command: string, args: readonly string[]): Promise<number> {
  const key = Buffer.from(process.env['EXEC_KEY'] ?? '', 'hex');
  await using session = await dial(url, { tls: { psk: { identity: 'exec', key } } });
  const [stdout, stderr, status] = [bytePipe(), bytePipe(), pipe<number>(1)];
  const calls = session.open();
  await calls.send({
    command,
    args,
    // Streams of Node travel as they are, but a pipe as standard input is a socket to Node, with two directions.
    stdin: Readable.from(process.stdin),
    stdout: stdout.writer,
    stderr: stderr.writer,
    status: status.sender,
  });
  calls.close();
  await Promise.all([copy(stdout.reader, process.stdout), copy(stderr.reader, process.stderr)]);
  const end = await status.receiver.receive();
  return end.done ? unknownStatus : end.value;
}

async function copy(from: ByteReader, to: Writable): Promise<void> {
  for await (const chunk of from) if (!to.write(chunk)) await once(to, 'drain');
}

const [url = '', command = '', ...args] = process.argv.slice(2);
try {
  process.exitCode = await exec(url, command, args);
} catch (error) {
  console.error(`exec: ${(error as Error).message}`);
  process.exitCode = unknownStatus;
}
// A terminal as standard input would keep this process waiting.
process.stdin.destroy();
