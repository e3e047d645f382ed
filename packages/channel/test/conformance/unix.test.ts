import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectUnix } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'unix', test, expect, connect: connectUnix });
