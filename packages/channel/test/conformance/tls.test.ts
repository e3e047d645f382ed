import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectTls } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'tls', test, expect, connect: connectTls });
