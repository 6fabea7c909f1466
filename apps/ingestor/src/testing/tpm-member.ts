import { sign } from 'node:crypto';
import { type EnrolResponse, type QuoteProof, RenewChallenge } from '@raypher/shared/rest';
import { ControlPlane, enrolWithTpm, SimulatedTpm } from '@raypher/swarm';
import { certificationRequest } from './certification-request.ts';
import { type HttpsAnswer, postJson } from './https-request.ts';
import type { Installation } from './installation.ts';
import { DEVICE_FACTS } from './test-device.ts';

export const MEMBER_FACTS = { ...DEVICE_FACTS, identityClass: 'tpm', bootId: 'first-boot' } as const;

/** A device whose TPM is simulated, because its key has to prove itself in a TLS handshake of this process. */
export class TpmMember {
  private constructor(
    private readonly installation: Installation,
    readonly id: string,
    readonly tpm: SimulatedTpm,
    readonly token: string,
    readonly csr: string,
    readonly certificate: string,
  ) {}

  static async enrol(installation: Installation): Promise<TpmMember> {
    const [tpm, token] = [new SimulatedTpm(), await installation.createToken()];
    const { device, certificate } = await enrolAs(installation, tpm, token, MEMBER_FACTS.bootId);
    const area = Buffer.from(tpm.evidence().deviceKey, 'base64');
    const csr = await certificationRequest(area, async (info) => sign('sha256', info, tpm.deviceKey));
    return new TpmMember(installation, device, tpm, token, csr, certificate);
  }

  /** As a device does that lost the answer to its enrolment, and as whoever has a copy of it may. */
  enrolAgain(bootId: string = MEMBER_FACTS.bootId): Promise<EnrolResponse> {
    return enrolAs(this.installation, this.tpm, this.token, bootId);
  }

  post(path: string, body: object = {}, cert = this.certificate): Promise<HttpsAnswer> {
    const key = this.tpm.deviceKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    return postJson(this.installation.tlsPort, path, body, { key, cert });
  }

  async challenge(): Promise<RenewChallenge> {
    return RenewChallenge.parse((await this.post('/v1/renew/challenge')).body);
  }

  quote({ challenge, nonce, pcrs }: RenewChallenge): QuoteProof {
    const { quote, pcrs: values } = this.tpm.quote(Buffer.from(nonce, 'base64'), pcrs);
    const [attested, signature] = [quote.attested.toString('base64'), quote.signature.toString('base64')];
    return { challenge, quote: { attested, signature }, pcrs: values };
  }

  async renew(change: { tpm?: QuoteProof; bootId?: string } = {}): Promise<HttpsAnswer> {
    const tpm = change.tpm ?? this.quote(await this.challenge());
    return this.post('/v1/renew', { csr: this.csr, bootId: MEMBER_FACTS.bootId, ...change, tpm });
  }

  /** Without any proof. */
  renewPlainly(): Promise<HttpsAnswer> {
    return this.post('/v1/renew', { csr: this.csr });
  }

  /** Its status, the kinds of what happened to it (oldest first) and of its open alerts. */
  row(): Promise<{ status: string; history: string[]; alerts: string[] }> {
    return this.installation.tenants.within(this.installation.organisationId, async (tx) => {
      const { status } = await tx.device.findUniqueOrThrow({ where: { id: this.id } });
      const where = { deviceId: this.id };
      const history = await tx.deviceIdentityEvent.findMany({ where, orderBy: { id: 'asc' } });
      const alerts = await tx.alert.findMany({
        where: { ...where, resolvedAt: null },
        orderBy: { kind: 'asc' },
      });
      return { status, history: history.map(({ kind }) => kind), alerts: alerts.map(({ kind }) => kind) };
    });
  }
}

async function enrolAs(
  installation: Installation,
  tpm: SimulatedTpm,
  token: string,
  bootId: string,
): Promise<EnrolResponse> {
  const server = new URL(`https://localhost:${installation.tlsPort}`);
  const controlPlane = await ControlPlane.reach(server, token);
  try {
    return await enrolWithTpm(controlPlane, tpm, { ...MEMBER_FACTS, bootId });
  } finally {
    await controlPlane.close();
  }
}
