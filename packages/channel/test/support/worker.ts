import { Worker, type WorkerOptions } from 'node:worker_threads';
import { bundle } from './bundle.js';

/** A thread that runs a fixture of this package; Node 20 does not run TypeScript, so it gets a bundle. */
export async function startWorker(fixture: string, options: WorkerOptions = {}): Promise<Worker> {
  const { code } = await bundle(`test/fixtures/${fixture}`, { platform: 'node', format: 'cjs' });
  return new Worker(code, { ...options, eval: true });
}
