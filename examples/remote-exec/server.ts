/**
 * Remote exec, the side that runs: `node server.js URL`. Command, arguments, the three streams and the channel for the exit status
 * come in one message. For friends only: whoever can connect can run anything; `tls:` admits who holds the key in EXEC_KEY.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteReader, type ByteWriter, type Sender, serve, type Session } from '@circuit/channel';
import { listen } from '@circuit/channel/dial';

/** The one message. */
export interface Exec {
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: ByteReader;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
  /** Gets the exit status, as a shell gives it: 127 not found, 126 not executable, 128 + n for signal n. */
  readonly status: Sender<number>;
}

async function execute({ command, args, stdin, stdout, stderr, status }: Exec): Promise<void> {
  const child = spawn(command, args, { stdio: 'pipe' });
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 127 : 126));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  // Who asked has gone or given up: nobody is left to run it for.
  status.closed.catch(() => child.kill('SIGKILL'));
  // A program may end without reading its input.
  pipeline(stdin, child.stdin).catch(() => undefined);
  await Promise.allSettled([copy(child.stdout, stdout), copy(child.stderr, stderr)]);
  await status.send(await ended);
  status.close();
}

async function copy(from: Readable, to: ByteWriter): Promise<void> {
  for await (const chunk of from) await to.write(chunk as Buffer);
  to.close();
}

async function serveExec(session: Session): Promise<void> {
  for (;;) {
    const { receiver } = await session.accept();
    serve(receiver, (message) => execute(message as Exec)).catch(() => undefined);
  }
}

const key = Buffer.from(process.env['EXEC_KEY'] ?? '', 'hex');
const onSession = (session: Session): void => void serveExec(session).catch(() => undefined);
const { url } = await listen(process.argv[2] ?? '', { tls: { pskFor: () => key } }, onSession);
console.log(url);
