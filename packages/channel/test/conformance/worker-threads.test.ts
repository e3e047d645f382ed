import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectWorker } from '../support/worker.js';

channelConformance({ transport: 'worker threads', test, expect, connect: connectWorker });
