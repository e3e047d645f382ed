import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectUnix } from '../support/transports.js';

channelConformance({ transport: 'unix', test, expect, connect: connectUnix });
