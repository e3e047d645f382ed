import { CircuitError, deferred } from '@circuit/base';
import { bytePipe } from '@circuit/channel';
import type { OutputEvent, OutputRequest } from '@circuit/protocol';
import { ManualClock, until } from '@circuit/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { open } from './open.js';
import { type Handlers, TestServer } from './test-server.js';

const clusters = open();
const cluster = (server: TestServer) => clusters.cluster(server);
afterEach(() => clusters.released());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunk: Uint8Array | undefined): string => new TextDecoder().decode(chunk);

function segment(offset: number, content: string): OutputEvent {
  const { reader, writer } = bytePipe();
  void writer.write(bytes(content));
  writer.close();
  return { type: 'segment', offset, source: reader };
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

/** Writes `abc`, loses three bytes, writes `ghi`. */
const torn: Handlers['output'] = async (_, reply) => {
  await reply.event(segment(0, 'abc'));
  await reply.event({ type: 'gap', from: 3, to: 6 });
  await reply.event(segment(6, 'ghi'));
  return { offset: 9, ended: true };
};

describe('an output', () => {
  test('can be read any number of times', async () => {
    const server = new TestServer('Xa', {
      output: async ({ stream }, reply) => {
        await reply.event(segment(0, stream));
        return { offset: 6, ended: true };
      },
    });
    const proc = (await cluster(server)).walk('Xa/p').proc();
    expect(await proc.stdout.text()).toBe('stdout');
    expect(await proc.stdout.text()).toBe('stdout');
    expect(await proc.stderr.text()).toBe('stderr');
    let looped = '';
    for await (const chunk of proc.stdout) looped += text(chunk);
    expect(looped).toBe('stdout');
  });

  test('throws where bytes are missing, once, and goes on behind them', async () => {
    const reading = (await cluster(new TestServer('Xa', { output: torn }))).walk('Xa/p').proc().stdout.open();
    expect(text(await reading.read())).toBe('abc');
    await expect(reading.read()).rejects.toMatchObject({
      code: 'gap',
      message: 'stdout /Xa/p: bytes 3–6 are no longer kept',
    });
    expect(reading.offset).toBe(6);
    expect(text(await reading.read())).toBe('ghi');
    expect(await reading.read()).toBeUndefined();
    expect(reading.offset).toBe(9);
    expect(await reading.read()).toBeUndefined();
  });

  test('tells of missing bytes and goes on when asked to', async () => {
    const gaps: unknown[] = [];
    const { stdout } = (await cluster(new TestServer('Xa', { output: torn }))).walk('Xa/p').proc();
    expect(await stdout.text({ onGap: (gap) => gaps.push(gap) })).toBe('abcghi');
    expect(gaps).toEqual([{ from: 3, to: 6 }]);
    await expect(stdout.text()).rejects.toMatchObject({ code: 'gap' });
  });

  test('is asked for from an offset, and without following', async () => {
    const asked: OutputRequest[] = [];
    const server = new TestServer('Xa', {
      output: (body) => {
        asked.push(body);
        return { offset: 0, ended: false };
      },
    });
    const { stdout } = (await cluster(server)).walk('Xa/p').proc();
    await stdout.text({ offset: 5, follow: false });
    await stdout.text({ offset: 'end' });
    expect(asked).toEqual([
      { path: '/Xa/p', stream: 'stdout', offset: 5, follow: false },
      { path: '/Xa/p', stream: 'stdout', offset: 'end' },
    ]);
  });

  test('left early is withdrawn at the server', async () => {
    let gone: Promise<CircuitError> | undefined;
    const server = new TestServer('Xa', {
      output: async (_, reply) => {
        gone = reply.gone;
        const { reader, writer } = bytePipe();
        await reply.event({ type: 'segment', offset: 0, source: reader });
        await writer.write(bytes('first'));
        await writer.closed;
        return { offset: 5, ended: true };
      },
    });
    for await (const chunk of (await cluster(server)).walk('Xa/p').proc().stdout) {
      expect(text(chunk)).toBe('first');
      break;
    }
    await gone;
  });

  test('of a lost link rejects with peer-gone behind what came', async () => {
    const server = new TestServer('Xa', {
      output: async (_, reply) => {
        const { reader, writer } = bytePipe();
        await reply.event({ type: 'segment', offset: 100, source: reader });
        await writer.write(bytes('first'));
        return new Promise<never>(() => undefined);
      },
    });
    const reading = (await cluster(server)).walk('Xa/p').proc().stdout.open();
    expect(text(await reading.read())).toBe('first');
    server.kill();
    await expect(reading.read()).rejects.toMatchObject({ code: 'peer-gone' });
    expect(reading.offset).toBe(105);
  });
});

describe('a standard input', () => {
  function taking(): { server: TestServer; got: string[] } {
    const got: string[] = [];
    const server = new TestServer('Xa', {
      stdin: async (_, reply) => {
        const { reader, writer } = bytePipe();
        await reply.event({ type: 'open', sink: writer });
        let all = '';
        for await (const chunk of reader) all += text(chunk);
        got.push(all);
        return { bytes: all.length };
      },
    });
    return { server, got };
  }

  test('opens at the first write and closes with the count', async () => {
    const { server, got } = taking();
    const { stdin } = (await cluster(server)).walk('Xa/p').proc();
    expect(server.heard).toHaveLength(1);
    await stdin.write('two ');
    await stdin.write(bytes('pieces'));
    expect(await stdin.close()).toBe(10);
    expect(got).toEqual(['two pieces']);
    await expect(stdin.write('late')).rejects.toMatchObject({ code: 'closed' });
  });

  test('can be closed without a byte, and fed from a stream', async () => {
    const { server, got } = taking();
    const root = await cluster(server);
    await root.walk('Xa/p').proc().stdin.close();
    expect(
      await root
        .walk('Xa/p')
        .proc()
        .stdin.pipeFrom(new Blob(['streamed']).stream()),
    ).toBe(8);
    expect(got).toEqual(['', 'streamed']);
  });

  test('that is held by another rejects with conflict, and may be tried again', async () => {
    let free = false;
    const server = new TestServer('Xa', {
      stdin: async (_, reply) => {
        if (!free) throw new CircuitError('conflict', 'another writer', { detail: 'busy' });
        const { reader, writer } = bytePipe();
        await reply.event({ type: 'open', sink: writer });
        await drain(reader);
        return { bytes: 1 };
      },
    });
    const { stdin } = (await cluster(server)).walk('Xa/p').proc();
    await expect(stdin.write('x')).rejects.toMatchObject({ code: 'conflict', detail: 'busy' });
    free = true;
    await stdin.write('x');
    expect(await stdin.close()).toBe(1);
  });
});

test('the streams of a process on another server come and go through the dialled one', async () => {
  const far = new TestServer('Xb', {
    stdin: async (_, reply) => {
      const { reader, writer } = bytePipe();
      await reply.event({ type: 'open', sink: writer });
      return { bytes: await drain(reader) };
    },
    output: torn,
  });
  const { stdin, stdout } = (await cluster(new TestServer('Xa').knows(far))).walk('Xb/p').proc();
  for (let round = 0; round < 3; round++) expect(await stdout.text({ onGap: () => undefined })).toBe('abcghi');
  await stdin.write('through');
  expect(await stdin.close()).toBe(7);
});

describe('running a command', () => {
  const state = { Phase: 'exited', ExitCode: 3, Signal: null } as never;

  function running(wait: Handlers['wait'] = () => state): TestServer {
    return new TestServer('Xa', {
      mkproc: () => ({ element: 1, pid: 42 }),
      stdin: async (_, reply) => {
        const { reader, writer } = bytePipe();
        await reply.event({ type: 'open', sink: writer });
        await drain(reader);
        return { bytes: 0 };
      },
      output: async ({ stream }, reply) => {
        await reply.event(segment(0, `to ${stream}`));
        return { offset: 9, ended: true };
      },
      wait,
      scrub: () => ({ kind: 'proc' }),
    });
  }

  test('gives its outputs and its code, and removes the element', async () => {
    const server = running();
    const result = await (await cluster(server)).run('Xa/p', { path: 'sh', args: [] });
    expect(result).toMatchObject({ exitCode: 3, state });
    expect(text(result.stdout)).toBe('to stdout');
    expect(text(result.stderr)).toBe('to stderr');
    expect(server.heard[1]).toEqual({
      verb: 'mkproc',
      body: { path: '/Xa/p', cmd: { path: 'sh', args: [], mode: 'pipe' } },
    });
    expect(server.heard.at(-1)).toEqual({ verb: 'scrub', body: { path: '/Xa/p', element: 1 } });
  });

  test('given up while it is started removes what was started all the same', async () => {
    const made = deferred<{ element: number; pid: number }>();
    const server = new TestServer('Xa', { mkproc: () => made.promise, scrub: () => ({ kind: 'proc' }) });
    const stop = new AbortController();
    const run = (await cluster(server)).run('Xa/p', { path: 'sh', args: [] }, { signal: stop.signal });
    await until('the start', () => server.heard.some(({ verb }) => verb === 'mkproc'));
    stop.abort();
    made.resolve({ element: 1, pid: 42 });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    expect(server.heard.at(-1)).toEqual({ verb: 'scrub', body: { path: '/Xa/p', element: 1, kill: true } });
  });

  test('given up while it is started waits two seconds for the answer', async () => {
    const clock = new ManualClock();
    const gone = deferred<CircuitError>();
    const server = new TestServer('Xa', {
      mkproc: (_, reply) => {
        void reply.gone.then((reason) => gone.resolve(reason));
        return new Promise<never>(() => undefined);
      },
    });
    const stop = new AbortController();
    const run = (await clusters.cluster(server, clock)).run('Xa/p', { path: 'sh', args: [] }, { signal: stop.signal });
    await until('the start', () => server.heard.some(({ verb }) => verb === 'mkproc'));
    let over = false;
    run.catch(() => (over = true));
    stop.abort();
    await clock.advance(1999);
    expect(over).toBe(false);
    await clock.advance(1);
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    await gone.promise;
  });

  test('given up before it is started starts nothing', async () => {
    const server = running();
    const run = (await cluster(server)).run('Xa/p', { path: 'sh', args: [] }, { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    expect(server.heard.map(({ verb }) => verb)).not.toContain('mkproc');
  });

  test('given up kills the process group', async () => {
    const server = running(() => new Promise<never>(() => undefined));
    const stop = new AbortController();
    const run = (await cluster(server)).run('Xa/p', { path: 'sh', args: [] }, { signal: stop.signal });
    await until('the wait', () => server.heard.some(({ verb }) => verb === 'wait'));
    stop.abort();
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    expect(server.heard.at(-1)).toEqual({ verb: 'scrub', body: { path: '/Xa/p', element: 1, kill: true } });
  });
});
