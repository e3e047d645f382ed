export { type ConnectCarrier, type DialSessionOptions, dialSession } from './dial-session.js';
export type { Resume, ResumeOptions, ResumeState } from './options.js';
export { SessionDoor, type SessionDoorOptions } from './session-door.js';
