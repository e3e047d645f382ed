import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectTls } from '../support/transports.js';

channelConformance({ transport: 'tls', test, expect, connect: connectTls });
