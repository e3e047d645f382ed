export { ManualClock, settle } from './manual-clock.js';
export { programPath, requires } from './requires.js';
export { until } from './until.js';
