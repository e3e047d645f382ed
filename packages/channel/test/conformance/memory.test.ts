import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectMemory } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'memory', test, expect, connect: connectMemory });
