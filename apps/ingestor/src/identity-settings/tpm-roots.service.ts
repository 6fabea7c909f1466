import { X509Certificate } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { BUILT_IN_ROOTS, type PinnedRoot } from '@raypher/shared/attestation';
import type { AddTpmRoot, TpmRoot, TrustTpmRoot } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { parseRootCertificate } from './root-certificate.ts';
import { type RootDecisions, TpmRootsRepository } from './tpm-roots.repository.ts';

/** Each costs time at every enrolment of a device with a TPM. */
const MAX_OWN_ROOTS = 50;

/** Whose TPMs an organisation believes. */
@Injectable()
export class TpmRootsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly roots: TpmRootsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async trusted(tx: TenantTransaction, organisationId: string): Promise<PinnedRoot[]> {
    const { own, distrusted } = await this.roots.decisions(tx, organisationId);
    return [...BUILT_IN_ROOTS.filter(({ fingerprint }) => !distrusted.has(fingerprint)), ...own];
  }

  list(organisationId: string): Promise<TpmRoot[]> {
    return this.database.within(organisationId, (tx) => this.shown(tx, organisationId));
  }

  /** @throws RaypherError unless it is one self-signed authority that is valid now and not pinned yet. */
  async add(caller: Principal, input: AddTpmRoot): Promise<TpmRoot> {
    const organisationId = caller.organisation.id;
    const { der, fingerprint, subject } = parseRootCertificate(input.certificate, new Date());
    const { manufacturer, kind, reason } = input;
    return this.decide(organisationId, fingerprint, async (tx, { own }) => {
      if ([...BUILT_IN_ROOTS, ...own].some((root) => root.fingerprint === fingerprint)) {
        throw new RaypherError('request/conflict', 'This root is pinned already.', {
          hint: 'A built-in root that is distrusted can be trusted again in the list.',
        });
      }
      if (own.length >= MAX_OWN_ROOTS) {
        throw new RaypherError('request/conflict', `An organisation has at most ${MAX_OWN_ROOTS} own roots.`);
      }
      await this.roots.insert(tx, organisationId, { fingerprint, der, manufacturer, kind }, labelOf(caller));
      await this.audit.record(tx, organisationId, caller, {
        action: 'tpm-root.add',
        target: `${manufacturer} (${fingerprint.slice(0, 16)})`,
        reason,
        before: null,
        after: { fingerprint, subject, manufacturer, kind },
      });
    });
  }

  /** Concerns enrolments from now on. An own root that is distrusted is removed: the answer is the last that is seen of it. */
  async trust(caller: Principal, fingerprint: string, input: TrustTpmRoot): Promise<TpmRoot> {
    const organisationId = caller.organisation.id;
    return this.decide(organisationId, fingerprint, async (tx, { own, distrusted }) => {
      const builtIn = BUILT_IN_ROOTS.find((root) => root.fingerprint === fingerprint);
      const root = builtIn ?? own.find((one) => one.fingerprint === fingerprint);
      if (root === undefined) throw new RaypherError('request/not-found', 'There is no such root.');
      const isTrusted = !distrusted.has(fingerprint);
      if (isTrusted === input.trusted) return;
      if (builtIn !== undefined && !input.trusted) {
        await this.roots.insert(tx, organisationId, { fingerprint }, labelOf(caller));
      } else await this.roots.delete(tx, organisationId, fingerprint);
      await this.audit.record(tx, organisationId, caller, {
        action: input.trusted ? 'tpm-root.trust' : 'tpm-root.distrust',
        target: `${root.manufacturer} (${fingerprint.slice(0, 16)})`,
        reason: input.reason,
        before: { fingerprint, trusted: isTrusted },
        after: { fingerprint, trusted: input.trusted },
      });
    });
  }

  private async decide(
    organisationId: string,
    fingerprint: string,
    change: (tx: TenantTransaction, before: RootDecisions) => Promise<void>,
  ): Promise<TpmRoot> {
    const decided = await this.database.within(organisationId, async (tx) => {
      await this.roots.lock(tx, organisationId);
      const before = await this.shown(tx, organisationId);
      await change(tx, await this.roots.decisions(tx, organisationId));
      const after = await this.shown(tx, organisationId);
      const isIt = (root: TpmRoot) => root.fingerprint === fingerprint;
      const removed = before.find(isIt);
      return after.find(isIt) ?? (removed === undefined ? undefined : { ...removed, trusted: false });
    });
    if (decided === undefined) throw new RaypherError('request/not-found', 'There is no such root.');
    this.changes.announce(organisationId, 'settings', 'audit');
    return decided;
  }

  private async shown(tx: TenantTransaction, organisationId: string): Promise<TpmRoot[]> {
    const { own, distrusted } = await this.roots.decisions(tx, organisationId);
    const devices = await this.roots.devices(tx, organisationId);
    const show = (origin: TpmRoot['origin']) => (root: PinnedRoot) => ({
      ...describe(root),
      origin,
      trusted: !distrusted.has(root.fingerprint),
      devices: devices.get(root.fingerprint) ?? 0,
    });
    return [...own.map(show('organisation')), ...BUILT_IN_ROOTS.map(show('built-in'))];
  }
}

function describe({ fingerprint, der, manufacturer, kind }: PinnedRoot) {
  const x509 = new X509Certificate(der);
  const subject = x509.subject.replaceAll('\n', ', ');
  return { fingerprint, subject, manufacturer, kind, notAfter: x509.validToDate.toISOString() };
}
