export { ManualClock, settle } from './manual-clock.js';
export { until } from './until.js';
