import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@circuit/base';
import { until } from '@circuit/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { keeperFiles } from '../../src/folder/process-files.js';
import { Keeper } from '../../src/keeper/keeper.js';
import { procTable } from '../../src/platform/process-table.js';

test.skipIf(process.platform !== 'linux')(
  'a process that ends while all are killed does not save the others',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ck-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const files = keeperFiles(folder);
    mkdirSync(files.processes, { recursive: true });
    const table = procTable();
    /** Killed by somebody else, right after it was found alive. */
    let doomed = 0;
    const keeper = new Keeper({
      files,
      table: {
        bootId: table.bootId,
        read(pid) {
          const facts = table.read(pid);
          if (pid === doomed) process.kill(pid, 'SIGKILL');
          while (pid === doomed && table.read(pid)?.state === 'alive');
          return facts;
        },
      },
      segmentBytes: 65_536,
      keepTotalBytes: 1_048_576,
      clock: systemClock,
      logger: silentLogger,
      changed() {},
      unheardEnded() {},
    });
    await keeper.open();
    for (const id of ['a', 'b']) {
      await keeper.start(id, {
        path: 'sleep',
        args: ['1000'],
        env: {},
        searchPath: process.env.PATH ?? '',
        cwd: '/',
        mode: 'log',
        keepBytes: 65_536,
        windowBytes: 65_536,
        stdin: 'closed',
      });
    }
    doomed = keeper.get('a').birth.pid;
    keeper.killAll();
    doomed = 0;
    await until('both have ended', () => keeper.get('a').ended && keeper.get('b').ended);
    expect(keeper.get('b').ending?.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
    keeper.close();
  },
);
