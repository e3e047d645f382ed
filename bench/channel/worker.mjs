// The far side of a probe in a worker thread.
import { parentPort } from 'node:worker_threads';
import { listenWorker } from '@circuit/channel/message-port';
import { serveSession } from './serve.mjs';

listenWorker(parentPort, serveSession);
