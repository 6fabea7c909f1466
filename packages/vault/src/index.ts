export {
  checkForensicPublicKey,
  createForensicKey,
  ForensicKeyFile,
  type ForensicPublicKey,
  readForensicKey,
} from './forensic-key.ts';
export {
  deriveVaultKey,
  MAX_VALUE_BYTES,
  openSecret,
  ROOT_BYTES,
  SealedSecret,
  type SecretBinding,
  sealSecret,
  type VaultKey,
  vaultKeyId,
} from './sealed-secret.ts';
export {
  describeSnapshot,
  openSnapshot,
  type SnapshotAbout,
  SnapshotFault,
  sealSnapshot,
} from './sealed-snapshot.ts';
