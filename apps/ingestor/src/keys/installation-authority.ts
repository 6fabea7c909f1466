import 'reflect-metadata';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import * as x509 from '@peculiar/x509';
import { z } from 'zod';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import {
  type Authority,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  importPrivateKey,
  issueServerCertificate,
  SERVER_CERTIFICATE_MS,
  toPem,
} from './certificates.ts';
import { seal, unseal } from './envelope.ts';
import {
  createPkiFile,
  PKI_FILES,
  preparePkiDirectory,
  readPkiFile,
  replacePkiFile,
} from './pki-directory.ts';

const StoredAuthority = z.strictObject({ certificate: z.string(), sealedPrivateKey: z.base64() });
const SEAL_CONTEXT = { owner: 'installation', purpose: 'root-ca', keyId: 'root' };
const CHECK_EVERY_MS = 60 * 60 * 1000;

/** What a TLS server of the installation presents. */
export interface ServerIdentity {
  /** PEM: leaf, then root. */
  cert: string;
  key: string;
  /** PEM of the root. */
  ca: string;
}

/**
 * The root of trust of the installation: made at the first start, its private key encrypted under the
 * master key. It also keeps the server certificate of both roles fresh. Only the api role has it.
 */
@Injectable()
export class InstallationAuthority implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('InstallationAuthority');
  private readonly renewalListeners: ((identity: ServerIdentity) => void)[] = [];
  private authority: Authority | undefined;
  private identity: ServerIdentity | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    metrics: MetricsService,
  ) {
    metrics.watch(
      'raypher_server_certificate_until_seconds',
      'When the server certificate ends, seconds since the epoch; 0 before there is one',
      () =>
        this.identity === undefined
          ? 0
          : new X509Certificate(this.identity.cert).validToDate.getTime() / 1000,
    );
  }

  async onModuleInit(): Promise<void> {
    await preparePkiDirectory(this.config.pkiDirectory);
    this.authority = await this.loadOrCreateRoot();
    await replacePkiFile(this.config.pkiDirectory, PKI_FILES.root, this.rootPem);
    await this.refreshServerCertificate();
    this.timer = setInterval(() => {
      this.refreshServerCertificate().catch((error: unknown) => this.logger.error(error));
    }, CHECK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get root(): Authority {
    if (this.authority === undefined) throw new Error('the installation authority is not loaded yet');
    return this.authority;
  }

  get rootPem(): string {
    return toPem(this.root.certificate);
  }

  /** What enrolment tokens carry so that a device knows the installation: base64url SHA-256 of the root's SPKI. */
  get pin(): string {
    return createHash('sha256')
      .update(Buffer.from(this.root.certificate.publicKey.rawData))
      .digest('base64url');
  }

  get serverIdentity(): ServerIdentity {
    if (this.identity === undefined) throw new Error('the installation authority is not loaded yet');
    return this.identity;
  }

  /** Calls back with the new certificate whenever it is renewed. */
  onRenewal(listener: (identity: ServerIdentity) => void): void {
    this.renewalListeners.push(listener);
  }

  private async loadOrCreateRoot(): Promise<Authority> {
    const existing = await this.loadRoot();
    if (existing !== undefined) return existing;
    const keys = await generateKeyPair();
    const certificate = await createRoot(keys);
    const sealed = seal(this.config.masterKey, await exportPrivateKey(keys.privateKey), SEAL_CONTEXT);
    const created = await createPkiFile(
      this.config.pkiDirectory,
      PKI_FILES.authority,
      `${JSON.stringify({ certificate: toPem(certificate), sealedPrivateKey: sealed.toString('base64') })}\n`,
    );
    if (created) this.logger.log('Created the root certificate of this installation');
    // Another process may have been first: what is on disk is the truth.
    const stored = await this.loadRoot();
    if (stored === undefined) throw new Error('the root certificate vanished while it was created');
    return stored;
  }

  private async loadRoot(): Promise<Authority | undefined> {
    const text = await readPkiFile(this.config.pkiDirectory, PKI_FILES.authority);
    if (text === undefined) return undefined;
    const stored = StoredAuthority.parse(JSON.parse(text));
    const key = unseal(this.config.masterKey, Buffer.from(stored.sealedPrivateKey, 'base64'), SEAL_CONTEXT);
    return {
      certificate: new x509.X509Certificate(stored.certificate),
      privateKey: await importPrivateKey(key),
    };
  }

  /** Keeps the certificate on disk while it is good for another third of its life and for the same hosts. */
  private async refreshServerCertificate(): Promise<void> {
    const { pkiDirectory, publicHosts } = this.config;
    const [chain, key] = await Promise.all([
      readPkiFile(pkiDirectory, PKI_FILES.serverChain),
      readPkiFile(pkiDirectory, PKI_FILES.serverKey),
    ]);
    if (chain !== undefined && key !== undefined && this.isGood(chain, key)) {
      this.identity = { cert: chain, key, ca: this.rootPem };
      return;
    }
    const keys = await generateKeyPair();
    const leaf = await issueServerCertificate(this.root, publicHosts, keys.publicKey);
    const identity = {
      cert: toPem(leaf) + this.rootPem,
      key: pkcs8Pem(await exportPrivateKey(keys.privateKey)),
      ca: this.rootPem,
    };
    // The key first: the link role reloads when the chain changes and checks that the two belong together.
    await replacePkiFile(pkiDirectory, PKI_FILES.serverKey, identity.key);
    await replacePkiFile(pkiDirectory, PKI_FILES.serverChain, identity.cert);
    this.identity = identity;
    for (const listener of this.renewalListeners) listener(identity);
    this.logger.log(`Issued the server certificate for ${publicHosts.join(', ')}`);
  }

  private isGood(chain: string, key: string): boolean {
    const certificate = new X509Certificate(chain);
    const remaining = certificate.validToDate.getTime() - Date.now();
    return (
      remaining > SERVER_CERTIFICATE_MS / 3 &&
      certificate.verify(new X509Certificate(this.rootPem).publicKey) &&
      // Two processes that renewed at the same time may have left one's key with the other's certificate.
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      this.config.publicHosts.every((host) =>
        isIP(host) === 0
          ? certificate.checkHost(host) !== undefined
          : certificate.checkIP(host) !== undefined,
      )
    );
  }
}

function pkcs8Pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
