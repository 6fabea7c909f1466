import 'reflect-metadata';
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import * as x509 from '@peculiar/x509';
import { OrganisationId, RaypherError } from '@raypher/shared';
import { LRUCache } from 'lru-cache';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import {
  type Authority,
  createOrganisationAuthority,
  exportPrivateKey,
  generateKeyPair,
  importPrivateKey,
  toPem,
} from './certificates.ts';
import { seal, unseal } from './envelope.ts';
import { InstallationAuthority } from './installation-authority.ts';
import {
  type KeyPurpose,
  OrganisationKeysRepository,
  type StoredKey,
} from './organisation-keys.repository.ts';
import { type Signer, sealedKeySigner } from './signer.ts';

export interface PolicyKey {
  /** First 16 hex digits of SHA-256 over `publicKey`. */
  keyId: string;
  /** Raw, 32 bytes. */
  publicKey: Buffer;
}

export interface PolicySigningKey extends PolicyKey {
  privateKey: KeyObject;
}

/** Opened keys kept in memory; opening one again costs a query and a decryption. */
const OPEN_KEYS = 1_000;

/** The keys of every organisation: its device certificate authority, its policy signature, and that of its log. */
@Injectable()
export class OrganisationKeysService {
  private readonly authorities = new LRUCache<string, Authority>({ max: OPEN_KEYS });
  private readonly signingKeys = new LRUCache<string, PolicySigningKey>({ max: OPEN_KEYS });
  private readonly logSigners = new LRUCache<string, Signer>({ max: OPEN_KEYS });

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly installation: InstallationAuthority,
    private readonly repository: OrganisationKeysRepository,
    private readonly database: TenantDatabase,
  ) {}

  /** Makes the first two keys, in the transaction that creates the organisation; the log brings its own. */
  async create(tx: TenantTransaction, organisationId: string): Promise<void> {
    const organisation = OrganisationId.parse(organisationId);
    const pair = await generateKeyPair();
    const certificate = await createOrganisationAuthority(
      this.installation.root,
      organisation,
      pair.publicKey,
    );
    const caPublicKey = Buffer.from(certificate.publicKey.rawData);
    await this.store(tx, organisation, 'device-ca', {
      keyId: keyIdOf(caPublicKey),
      publicKey: caPublicKey,
      privateKey: await exportPrivateKey(pair.privateKey),
      certificate: toPem(certificate),
    });
    await this.createSigningKey(tx, organisation, 'policy-signing');
  }

  /** A key for the organisation's log, which has to be told to everybody who verifies it. */
  async createLogKey(tx: TenantTransaction, organisationId: string): Promise<Signer> {
    const key = await this.createSigningKey(tx, OrganisationId.parse(organisationId), 'log-signing');
    return sealedKeySigner(key.publicKey, key.privateKey);
  }

  /** @param publicKey raw, of the log's key in force: an organisation may have had others. */
  async logSigner(tx: TenantTransaction, organisationId: string, publicKey: Uint8Array): Promise<Signer> {
    const keyId = keyIdOf(Buffer.from(publicKey));
    const open = this.logSigners.get(`${organisationId}:${keyId}`);
    if (open !== undefined) return open;
    const { stored, pkcs8 } = await this.open(organisationId, 'log-signing', tx, keyId);
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const signer = sealedKeySigner(Buffer.from(stored.publicKey), privateKey);
    this.logSigners.set(`${organisationId}:${keyId}`, signer);
    return signer;
  }

  /** What devices verify policies, freezes and commands with; newest first. */
  async policyKeys(tx: TenantTransaction, organisationId: string): Promise<PolicyKey[]> {
    const keys = await this.repository.list(tx, organisationId, 'policy-signing');
    return keys.map((key) => ({ keyId: key.keyId, publicKey: Buffer.from(key.publicKey) }));
  }

  /** @param tx the transaction that made the organisation, when it is not committed yet. */
  async signingKey(organisationId: string, tx?: TenantTransaction): Promise<PolicySigningKey> {
    const open = this.signingKeys.get(organisationId);
    if (open !== undefined) return open;
    const { stored, pkcs8 } = await this.open(organisationId, 'policy-signing', tx);
    const key: PolicySigningKey = {
      keyId: stored.keyId,
      publicKey: Buffer.from(stored.publicKey),
      privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    };
    this.signingKeys.set(organisationId, key);
    return key;
  }

  async deviceAuthority(organisationId: string, tx?: TenantTransaction): Promise<Authority> {
    const open = this.authorities.get(organisationId);
    if (open !== undefined) return open;
    const { stored, pkcs8 } = await this.open(organisationId, 'device-ca', tx);
    if (stored.certificate === null) throw new Error('a device CA is stored without its certificate');
    const authority: Authority = {
      certificate: new x509.X509Certificate(stored.certificate),
      privateKey: await importPrivateKey(pkcs8),
    };
    this.authorities.set(organisationId, authority);
    return authority;
  }

  /** @param keyId the newest without it. */
  private async open(
    organisationId: string,
    purpose: KeyPurpose,
    tx: TenantTransaction | undefined,
    keyId?: string,
  ): Promise<{ stored: StoredKey; pkcs8: Buffer }> {
    const read = (scoped: TenantTransaction) => this.repository.list(scoped, organisationId, purpose);
    const keys = await (tx === undefined ? this.database.within(organisationId, read) : read(tx));
    const stored = keys.find((key) => keyId === undefined || key.keyId === keyId);
    if (stored === undefined) {
      throw new RaypherError('request/not-found', `This organisation has no ${purpose} key.`);
    }
    const context = { owner: organisationId, purpose, keyId: stored.keyId };
    return { stored, pkcs8: unseal(this.config.masterKey, stored.encryptedPrivateKey, context) };
  }

  private async createSigningKey(
    tx: TenantTransaction,
    organisation: OrganisationId,
    purpose: 'policy-signing' | 'log-signing',
  ): Promise<{ publicKey: Buffer; privateKey: KeyObject }> {
    const pair = generateKeyPairSync('ed25519');
    const publicKey = rawPublicKey(pair.publicKey);
    await this.store(tx, organisation, purpose, {
      keyId: keyIdOf(publicKey),
      publicKey,
      privateKey: pair.privateKey.export({ format: 'der', type: 'pkcs8' }),
      certificate: null,
    });
    return { publicKey, privateKey: pair.privateKey };
  }

  private async store(
    tx: TenantTransaction,
    organisation: OrganisationId,
    purpose: KeyPurpose,
    key: { keyId: string; publicKey: Buffer; privateKey: Buffer; certificate: string | null },
  ): Promise<void> {
    const context = { owner: organisation, purpose, keyId: key.keyId };
    await this.repository.insert(tx, organisation, {
      purpose,
      keyId: key.keyId,
      publicKey: key.publicKey,
      encryptedPrivateKey: seal(this.config.masterKey, key.privateKey, context),
      certificate: key.certificate,
    });
  }
}

/** @param publicKey raw 32 bytes of an Ed25519 key, or the SubjectPublicKeyInfo of a CA. */
function keyIdOf(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

/** RFC 8037 §2: `x` of an OKP key is the raw public key. */
function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: 'jwk' });
  if (typeof x !== 'string') throw new TypeError('not an Ed25519 key');
  return Buffer.from(x, 'base64url');
}
