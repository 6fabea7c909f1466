export {
  type Endorsement,
  type EndorsementEvidence,
  type PinnedRoot,
  verifyEndorsement,
} from './endorsement-chain.ts';
export { assertKeyKind, type KeyKind } from './key-kind.ts';
export { type Credential, credentialSeed, kdfa, makeCredential } from './make-credential.ts';
export { type MakerCertificate, readMakerCertificate } from './maker-certificate.ts';
export { keyName, parsePublicKey } from './public-key.ts';
export { BUILT_IN_ROOTS } from './roots/built-in-roots.ts';
export {
  type Attestation,
  type Quoted,
  verifyCertification,
  verifyPcrs,
  verifyQuote,
} from './verify-attestation.ts';
export { sized, uint16, uint32, WireReader } from './wire.ts';
