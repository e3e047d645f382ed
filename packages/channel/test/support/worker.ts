import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Connect } from '@circuit/channel/conformance';
import { bundle } from './bundle.js';
import { throughWorker } from './port-transports.js';

/** A thread that runs a fixture of this package; Node 20 does not run TypeScript, so it gets a bundle. */
export async function startWorker(fixture: string, options: WorkerOptions = {}): Promise<Worker> {
  const { code } = await bundle(`test/fixtures/${fixture}`, { platform: 'node', format: 'cjs' });
  return new Worker(code, { ...options, eval: true });
}

let joining: Promise<Worker> | undefined;

/** Through a worker thread, one for all tests of a file, which holds no process. */
export const connectWorker: Connect = async (options) => {
  joining ??= startWorker('joining-worker.ts');
  const worker = await joining;
  worker.unref();
  return throughWorker(worker)(options);
};
