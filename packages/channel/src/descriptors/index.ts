export { Descriptor } from '../local/descriptor.js';
export { descriptorOf } from './own-descriptor.js';
export { openSocket, openStream, takeDescriptor } from './open.js';
export { nativeMissing } from '../native/native.js';
