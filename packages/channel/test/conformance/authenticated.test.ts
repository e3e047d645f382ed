import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectAuthenticated } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'tcp with authentication', test, expect, connect: connectAuthenticated });
