import type { X509Certificate } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { type PinnedRoot, verifyEndorsement } from '@raypher/shared/attestation';
import type { AdmissionRule, IdentityClass } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { IdentitySettingsService } from '../identity-settings/identity-settings.service.ts';
import { TpmRootsService } from '../identity-settings/tpm-roots.service.ts';
import type { Evidence } from './tpm-evidence.ts';

/** What a device's identity is worth here, and what the organisation does with devices of that kind. */
export interface Assessment {
  class: IdentityClass;
  /** One sentence. */
  reason: string;
  rule: Exclude<AdmissionRule, 'refuse'>;
  /** Leaf first; empty when the TPM has no certificate. */
  chain: X509Certificate[];
  root: PinnedRoot | null;
}

const CLASS_NAMES: Record<IdentityClass, string> = {
  hardware: 'with a hardware TPM',
  virtual: 'with a virtual TPM',
  unverified: 'with a TPM that nobody vouches for',
  software: 'with a key in a file',
};

@Injectable()
export class IdentityClassService {
  constructor(
    private readonly settings: IdentitySettingsService,
    private readonly roots: TpmRootsService,
  ) {}

  /**
   * @param evidence undefined for a device without a TPM.
   * @throws RaypherError `enrolment/class-refused`, `enrolment/attestation-refused` for a forged certificate.
   */
  async assess(
    tx: TenantTransaction,
    organisationId: string,
    evidence: Evidence | undefined,
  ): Promise<Assessment> {
    const { class: identityClass, ...rest } =
      evidence === undefined ? SOFTWARE : await this.verify(tx, organisationId, evidence);
    const rule = (await this.settings.admission(tx, organisationId))[identityClass];
    if (rule === 'refuse') {
      throw new RaypherError(
        'enrolment/class-refused',
        `This organisation does not take devices ${CLASS_NAMES[identityClass]}: ${rest.reason}`,
        { hint: 'An administrator can change this under Settings → Identity.', details: { identityClass } },
      );
    }
    return { class: identityClass, ...rest, rule };
  }

  private async verify(tx: TenantTransaction, organisationId: string, evidence: Evidence) {
    return verifyEndorsement(
      {
        endorsementKey: evidence.endorsementKey,
        certificate: evidence.endorsementCertificate,
        chain: evidence.endorsementChain,
      },
      await this.roots.trusted(tx, organisationId),
      new Date(),
    );
  }
}

const SOFTWARE = {
  class: 'software',
  reason: 'Its key lies in a file, which can be copied.',
  chain: [],
  root: null,
} satisfies Omit<Assessment, 'rule'>;
