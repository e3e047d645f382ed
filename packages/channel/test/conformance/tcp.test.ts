import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectTcp } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'tcp', test, expect, connect: connectTcp });
