export { closedPort, type EchoPlace, type EchoServer, exchange, startEcho } from './echo-server.js';
export { isAlive } from './is-alive.js';
export { lineLogger } from './line-logger.js';
export { ManualClock, settle } from './manual-clock.js';
export { passOver, programPath, requires, requiresMount, requiresOpenFiles } from './requires.js';
export { until } from './until.js';
