import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

channelConformance({ transport: 'memory', test, expect, connect: connectMemory });
