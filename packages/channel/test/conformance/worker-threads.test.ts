import type { Worker } from 'node:worker_threads';
import { channelConformance, type Connect } from '@circuit/channel/conformance';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { throughWorker } from '../support/port-transports.js';
import { startWorker } from '../support/worker.js';

let worker: Worker | undefined;
let through: Connect = () => Promise.reject(new Error('no worker'));

beforeAll(async () => {
  worker = await startWorker('joining-worker.ts');
  through = throughWorker(worker);
});

afterAll(() => worker?.terminate());

channelConformance({ transport: 'worker threads', test, expect, connect: (options) => through(options) });
