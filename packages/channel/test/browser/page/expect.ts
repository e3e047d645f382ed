import type { Expect } from '@circuit/channel/conformance';
import { chai, JestChaiExpect } from '@vitest/expect';

chai.use(JestChaiExpect);

/** The assertions of the test runner, in a page. */
export const expect: Expect = chai.expect as unknown as Expect;
