export { ServerIdentity, serverIdOf, verify } from './identity.js';
export {
  type IdentityOptions,
  identityFileName,
  loadIdentity,
  renewIdentity,
  type StoredIdentity,
} from './identity-file.js';
export { generatedKeyBytes, generateKey, Key, type KeyRight, keyBytes, type Purpose } from './key.js';
export {
  defaultKeyPath,
  ensureKeyFile,
  type HomePlaces,
  type KeyFile,
  readKeyFile,
  writeKeyFile,
} from './key-file.js';
export { formatKey, type KeyReading, parseKey, readOnlyMark } from './key-text.js';
export { machineIdFiles, readMachineId } from './machine-id.js';
export { acceptedPsks, findPsk, type Psk, pskFor } from './psk.js';
export { canonicalBytes, maxRecordDepth, type SignedRecord, signRecord, verifyRecord } from './signed-record.js';
