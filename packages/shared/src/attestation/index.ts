export { type Credential, makeCredential } from './make-credential.ts';
export { keyName, parsePublicKey } from './public-key.ts';
export { sized, uint16, uint32, WireReader } from './wire.ts';
