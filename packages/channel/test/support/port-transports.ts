import type { MessagePort } from 'node:worker_threads';
import type { SessionOptions } from '@circuit/channel';
import type { Connect } from '@circuit/channel/conformance';
import { portSession } from '@circuit/channel/message-port';
import { closingPair } from './closing-pair.js';

const quiet: SessionOptions = { keepAliveMs: 0 };

/** Both ends in this thread. */
export const connectPorts: Connect = ({ a, b } = {}) => {
  const { port1, port2 } = new MessageChannel();
  return Promise.resolve(
    closingPair(
      portSession(port1, 'dialler', { session: { ...quiet, ...a } }),
      portSession(port2, 'listener', { session: { ...quiet, ...b } }),
    ),
  );
};

/** A worker of Node or of a browser that runs `joining-worker`. */
interface JoiningWorker {
  postMessage(message: unknown, transfer: readonly MessagePort[]): void;
}

/** Both ends in this thread, with a carrier of `worker`'s at the other side of each: every byte goes there and comes back. */
export function throughWorker(worker: JoiningWorker): Connect {
  return ({ a, b } = {}) => {
    const [first, second] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage({ join: [first.port2, second.port2] }, [first.port2, second.port2]);
    return Promise.resolve(
      closingPair(
        portSession(first.port1, 'dialler', { session: { ...quiet, ...a } }),
        portSession(second.port1, 'listener', { session: { ...quiet, ...b } }),
      ),
    );
  };
}
