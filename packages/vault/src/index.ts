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
