import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectTcp } from '../support/transports.js';

channelConformance({ transport: 'tcp', test, expect, connect: connectTcp });
