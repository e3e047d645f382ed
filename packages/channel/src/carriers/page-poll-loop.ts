import type { PollingThread } from './poll-loop.js';

/** What a page has in place of `poll-loop.ts`: it always sleeps. */
export const thisThread: PollingThread | undefined = undefined;
