export { Descriptor } from '../local/descriptor.js';
export { nativeMissing } from '../native/native.js';
export { openSocket, openStream, takeDescriptor } from './open.js';
export { descriptorOf } from './own-descriptor.js';
