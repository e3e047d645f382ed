import { CircuitError, isCircuitError } from '@circuit/base';
import { bytePipe } from '@circuit/channel';
import type { StdinWriter } from '@circuit/keeper/client';
import type { ByteSource, StdinEvent, StdinResponse } from '@circuit/protocol';

/**
 * Copies a client's bytes to a process: all of them, then its end of file. When the client goes before its end, the
 * process keeps an open standard input, which another may go on with.
 */
export async function feedStdin(
  writer: StdinWriter,
  tell: (event: StdinEvent) => Promise<void>,
  { signal }: { readonly signal: AbortSignal },
): Promise<StdinResponse> {
  const { reader, writer: sink } = bytePipe();
  try {
    await tell({ type: 'open', sink });
    const bytes = await copy(reader, writer, signal);
    await writer.close();
    return { bytes };
  } catch (error) {
    reader.cancel(isCircuitError(error) ? error : new CircuitError('io', String(error), { cause: error }));
    await writer.release();
    throw error;
  }
}

async function copy(source: ByteSource, writer: StdinWriter, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for (;;) {
    const chunk = await source.read({ signal });
    if (chunk === undefined) return bytes;
    await writer.write(chunk, { signal });
    bytes += chunk.length;
  }
}
