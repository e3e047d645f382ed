import { Scope } from '@circuit/base';
import { expect, test } from 'vitest';
import { canSplitHosts, type Program, TwoHosts } from '../support/two-hosts.js';

interface Lost {
  readonly url: string;
  readonly outcomes: readonly string[];
  readonly code: string;
  readonly message: string;
  readonly left: number;
}

test.skipIf(!canSplitHosts())(
  'a host that is lost fails all that is open with peer-gone, over every carrier',
  async () => {
    const scope = new Scope();
    try {
      const hosts = await TwoHosts.make();
      scope.defer(() => hosts.remove());
      const start = async (host: 1 | 2, ...args: readonly string[]): Promise<Program> => {
        const program = await hosts.run(host, 'lost-host.ts', args);
        scope.defer(() => program.kill());
        return program;
      };
      const listeners = [await start(1, 'listen', '10.88.0.1'), await start(2, 'listen', '10.88.0.2')] as const;
      for (const listener of listeners) expect(await listener.line()).toBe('listening');
      // Host 1 stays: once as the one that dialled, once as the one that listened.
      const diallers = [await start(1, 'dial', '10.88.0.2'), await start(2, 'dial', '10.88.0.1')] as const;
      for (const program of [...listeners, ...diallers]) {
        for (let i = 0; i < 4; i++) expect(await program.line()).toBe('held');
      }
      await hosts.lose();
      const lost = performance.now();
      for (const program of [diallers[0], listeners[0]]) {
        const ended = JSON.parse(await program.line()) as Lost[];
        expect(ended.length).toBe(4);
        for (const { url, outcomes, code, message, left } of ended) {
          expect([url, code, left]).toStrictEqual([url, 'peer-gone', 0]);
          expect(message).toContain('no sign of life for 15000 ms');
          expect([url, ...outcomes]).toStrictEqual([url, ...outcomes.map(() => 'peer-gone')]);
        }
      }
      // The third interval of 5 s since the last sign of life ends it; the first of them was begun before the host was lost.
      const after = performance.now() - lost;
      console.log(`the last session ended ${Math.round(after)} ms after the host was lost`);
      expect(after).toBeLessThan(15_000);
    } finally {
      await scope.close();
    }
  },
);
