import { Session as Inspector } from 'node:inspector';
import { type Clock, deferred, pause } from '@circuit/base';
import type { ByteSink, ProfileRequest } from '@circuit/protocol';

const defaultCpuMs = 1000;

/** Writes what was asked for to `sink`: text for `stack` and `handles`, the JSON of the developer tools for `cpu` and `heap`. */
export async function writeProfile(
  { name, ms = defaultCpuMs }: ProfileRequest,
  sink: ByteSink,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  switch (name) {
    case 'stack':
      return writeText(sink, stackText());
    case 'handles':
      return writeText(sink, handlesText());
    case 'cpu':
      return writeText(sink, await cpuProfile(ms, clock, signal));
    case 'heap':
      return writeHeap(sink);
  }
}

interface Report {
  readonly javascriptStack?: { readonly message?: string; readonly stack?: readonly string[] };
  readonly libuv?: readonly { readonly type?: string; readonly is_active?: boolean; readonly [key: string]: unknown }[];
}

function readReport(): Report {
  // The environment is part of a report and none of this verb's business.
  return process.report.getReport();
}

function stackText(): string {
  const { javascriptStack } = readReport();
  const memory = Object.entries(process.memoryUsage()).map(([what, bytes]) => `  ${what} ${bytes}`);
  const stack = (javascriptStack?.stack ?? []).map((line) => `  ${line.trim()}`);
  return ['stack', ...stack, 'open', ...resourceLines(), 'memory (bytes)', ...memory, ''].join('\n');
}

function handlesText(): string {
  const lines = (readReport().libuv ?? []).map(({ type = '?', is_active: active, ...facts }) => {
    const shown = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    return [type, active === true ? 'active' : 'idle', ...shown].join(' ');
  });
  return `${lines.join('\n')}\n`;
}

function resourceLines(): string[] {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort().map(([name, count]) => `  ${name} ${count}`);
}

async function cpuProfile(ms: number, clock: Clock, signal: AbortSignal): Promise<string> {
  const inspector = new Inspector();
  inspector.connect();
  try {
    await ask(inspector, 'Profiler.enable');
    await ask(inspector, 'Profiler.start');
    await pause(clock, ms, { signal });
    const answer = (await ask(inspector, 'Profiler.stop')) as { readonly profile: unknown };
    return JSON.stringify(answer.profile);
  } finally {
    inspector.disconnect();
  }
}

async function writeHeap(sink: ByteSink): Promise<void> {
  const inspector = new Inspector();
  inspector.connect();
  try {
    // The snapshot is cut by the engine into chunks, all of which come before the answer: they wait here in memory.
    const chunks: string[] = [];
    inspector.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
    await ask(inspector, 'HeapProfiler.takeHeapSnapshot');
    for (const chunk of chunks) await sink.write(Buffer.from(chunk));
  } finally {
    inspector.disconnect();
  }
}

function ask(inspector: Inspector, method: string): Promise<unknown> {
  const answer = deferred<unknown>();
  inspector.post(method, (error, result) => {
    if (error === null) answer.resolve(result);
    else answer.reject(error);
  });
  return answer.promise;
}

function writeText(sink: ByteSink, text: string): Promise<void> {
  return sink.write(Buffer.from(text));
}
