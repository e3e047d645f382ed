import { isCircuitError } from '@circuit/base';
import { bytePipe } from '@circuit/channel';
import type { OutputReader } from '@circuit/keeper/client';
import type { ByteSink, OutputEvent, OutputResponse } from '@circuit/protocol';

/**
 * In the mode `pipe` what was handed to the session may still be lost with it, so it is given up for good only this far
 * behind: more than two windows of a stream, as they are open between a relayed client and this server.
 */
const unsureBytes = 2_621_440;

/**
 * Copies what `reader` has to a client: runs of bytes as segments, what is missing between them as gaps. Resolves once the
 * client has read all; rejects when it has gone.
 */
export async function sendOutput(
  reader: OutputReader,
  tell: (event: OutputEvent) => Promise<void>,
  { isPipe, signal }: { readonly isPipe: boolean; readonly signal: AbortSignal },
): Promise<OutputResponse> {
  let sink: ByteSink | undefined;
  try {
    for (;;) {
      const item = await reader.read({ signal });
      if (item.kind === 'data') {
        sink ??= await openSegment(item.offset, tell);
        await sink.write(item.bytes, { signal });
        if (isPipe) reader.acknowledge(Math.max(0, item.offset + item.bytes.length - unsureBytes));
        continue;
      }
      sink?.close();
      await sink?.closed;
      if (item.kind === 'end') {
        if (isPipe) reader.acknowledge(item.offset);
        return { offset: item.offset, ended: true };
      }
      sink = undefined;
      await tell({ type: 'gap', from: item.from, to: item.to });
    }
  } catch (error) {
    sink?.abort(error);
    throw error;
  }
}

async function openSegment(offset: number, tell: (event: OutputEvent) => Promise<void>): Promise<ByteSink> {
  const { reader, writer } = bytePipe(262_144);
  try {
    await tell({ type: 'segment', offset, source: reader });
  } catch (error) {
    writer.abort(isCircuitError(error) ? error : undefined);
    throw error;
  }
  return writer;
}
