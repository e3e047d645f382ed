import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectCertificates } from '../support/transports.js';

checkNothingOpen();
channelConformance({ transport: 'tls with certificates', test, expect, connect: connectCertificates });
