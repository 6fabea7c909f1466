import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { keyName, sized, uint16, uint32, WireReader } from '@raypher/shared/attestation';
import type {
  EnrolChallenge,
  EnrolProof,
  PcrValues,
  RenewChallenge,
  TpmEvidence,
} from '@raypher/shared/rest';
import { TestTpm, type TestTpmOptions } from '@raypher/testkit';
import { certificationRequest } from './certification-request.ts';

const EK = '0x81010001';
const AK = '0x81010002';
const DEVICE = '0x81010003';
/** NV index of the RSA key's certificate (TCG EK Credential Profile §2.2.1.4). */
const EK_CERTIFICATE = '0x1c00002';
const SIGNING = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign';

export interface ToolTpmOptions extends TestTpmOptions {
  /** Attributes of the device key, as tpm2-tools name them. */
  deviceKey?: string;
}

/**
 * A device with a real TPM (swtpm) that speaks through tpm2-tools: nothing of what is tested is used to test it. Its
 * keys are persistent, because there is no resource manager.
 */
export class ToolTpm {
  private constructor(
    readonly tpm: TestTpm,
    private readonly isManufactured: boolean,
    private readonly deviceKeyAttributes: string,
  ) {}

  static async start({ deviceKey = SIGNING, ...options }: ToolTpmOptions = {}): Promise<ToolTpm> {
    const { manufactured = false } = options;
    const device = new ToolTpm(await TestTpm.start(options), manufactured, deviceKey);
    // The factory has put its RSA key in this very place.
    if (!manufactured) await device.tool('createek', '-c', EK, '-G', 'ecc');
    await device.flush();
    await device.renewKeys();
    return device;
  }

  /** Other keys in the same TPM: what a second installation on this machine, or on its clone, would make. */
  async renewKeys(): Promise<void> {
    for (const handle of [AK, DEVICE]) {
      await this.tool('evictcontrol', '-C', 'o', '-c', handle).catch(() => undefined);
    }
    await this.tool('createak', '-C', EK, '-c', 'ak.ctx', '-G', 'ecc', '-g', 'sha256', '-s', 'ecdsa');
    await this.flush();
    await this.persist('ak.ctx', AK);
    await this.tool('createprimary', '-C', 'o', '-c', 'parent.ctx');
    await this.flush();
    const template = ['-G', 'ecc256:ecdsa-sha256:null', '-a', this.deviceKeyAttributes];
    await this.tool('create', '-C', 'parent.ctx', '-u', 'd.pub', '-r', 'd.priv', ...template);
    await this.flush();
    await this.tool('load', '-C', 'parent.ctx', '-u', 'd.pub', '-r', 'd.priv', '-c', 'device.ctx');
    await this.flush();
    await this.persist('device.ctx', DEVICE);
  }

  async evidence(): Promise<TpmEvidence> {
    const [endorsementKey, attestationKey, deviceKey] = [
      await this.publicArea(EK),
      await this.publicArea(AK),
      await this.publicArea(DEVICE),
    ];
    return {
      endorsementKey: endorsementKey.toString('base64'),
      ...(await this.certificates()),
      attestationKey: attestationKey.toString('base64'),
      deviceKey: deviceKey.toString('base64'),
    };
  }

  /** PEM of the root that the factory's certificates lead to. */
  makersRoot(): string {
    return readFileSync(this.tpm.file('swtpm-localca-rootca-cert.pem'), 'utf8');
  }

  async answer(challenge: EnrolChallenge): Promise<EnrolProof> {
    return {
      ...(await this.quote(challenge)),
      secret: (await this.activate(challenge.credential)).toString('base64'),
      certification: await this.certify(Buffer.from(challenge.nonce, 'base64')),
    };
  }

  async quote({ challenge, nonce, pcrs }: RenewChallenge) {
    const list = `sha256:${pcrs.join(',')}`;
    const qualification = Buffer.from(nonce, 'base64').toString('hex');
    const files = ['-m', 'quote', '-s', 'quote.sig', '-f', 'tss'];
    await this.tool('quote', '-c', AK, '-l', list, '-q', qualification, '-g', 'sha256', ...files);
    return {
      challenge,
      quote: { attested: this.read('quote'), signature: this.read('quote.sig') },
      pcrs: await this.pcrs(list),
    };
  }

  /** TPM2_ActivateCredential. @throws when it was made for another TPM, or another attestation key */
  async activate({ blob, encryptedSeed }: EnrolChallenge['credential']): Promise<Buffer> {
    // What tpm2_makecredential writes: a magic number, a version, then both structures.
    const head = [uint32(0xbadcc0de), uint32(1)];
    const credential = [...head, Buffer.from(blob, 'base64'), Buffer.from(encryptedSeed, 'base64')];
    writeFileSync(this.tpm.file('credential'), Buffer.concat(credential));
    await this.tool('startauthsession', '--policy-session', '-S', 'session');
    try {
      await this.tool('policysecret', '-S', 'session', '-c', 'e');
      const keys = ['-c', AK, '-C', EK, '-P', 'session:session'];
      await this.tool('activatecredential', ...keys, '-i', 'credential', '-o', 'secret');
      return readFileSync(this.tpm.file('secret'));
    } finally {
      await this.tool('flushcontext', 'session');
    }
  }

  /** TPM2_Certify of the device key; as a raw command, since tpm2_certify takes no nonce. */
  async certify(nonce: Buffer) {
    // An empty password for each of the two keys (TPM_RS_PW), and the signing key's own scheme (TPM_ALG_NULL).
    const password = Buffer.concat([uint32(0x40000009), uint16(0), Buffer.from([0]), uint16(0)]);
    const rest = Buffer.concat([
      ...[uint32(0x148), uint32(Number(DEVICE)), uint32(Number(AK))],
      ...[uint32(2 * password.length), password, password, sized(nonce), uint16(0x10)],
    ]);
    const command = Buffer.concat([uint16(0x8002), uint32(2 + 4 + rest.length), rest]);
    writeFileSync(this.tpm.file('command'), command);
    await this.tool('send', '-o', 'response', 'command');
    const response = readFileSync(this.tpm.file('response'));
    const reader = new WireReader(response.subarray(10 + 4));
    const attested = reader.sized();
    // TPMT_SIGNATURE: two algorithms and two numbers.
    const signature = [reader.take(4), sized(reader.sized()), sized(reader.sized())];
    return { attested: attested.toString('base64'), signature: Buffer.concat(signature).toString('base64') };
  }

  /** A certificate request for the device key, signed by it. */
  async request(): Promise<string> {
    return certificationRequest(await this.publicArea(DEVICE), async (info) => {
      writeFileSync(this.tpm.file('info'), info);
      await this.tool('sign', '-c', DEVICE, '-g', 'sha256', '-f', 'plain', '-o', 'info.sig', 'info');
      return readFileSync(this.tpm.file('info.sig'));
    });
  }

  /** Name of the attestation key. */
  async attestationKeyName(): Promise<string> {
    return keyName(await this.publicArea(AK)).toString('hex');
  }

  /** Measures something. */
  async extend(pcr: number): Promise<void> {
    await this.tool('pcrextend', `${pcr}:sha256=${'ab'.repeat(32)}`);
  }

  stop(): Promise<void> {
    return this.tpm.stop();
  }

  /** As the factory left them: the key's in the TPM, and its issuer's, which swtpm keeps in a file. */
  private async certificates() {
    if (!this.isManufactured) return { endorsementCertificate: null, endorsementChain: [] };
    await this.tool('nvread', EK_CERTIFICATE, '-o', 'certificate');
    const { raw } = new X509Certificate(readFileSync(this.tpm.file('authority.pem')));
    return { endorsementCertificate: this.read('certificate'), endorsementChain: [raw.toString('base64')] };
  }

  private async pcrs(list: string): Promise<PcrValues> {
    const printed = await this.tool('pcrread', list);
    const values = printed.matchAll(/^\s*(\d+)\s*:\s*0x([0-9A-F]{64})$/gm);
    return Object.fromEntries([...values].map(([, pcr = '', value = '']) => [pcr, value.toLowerCase()]));
  }

  private async publicArea(handle: string): Promise<Buffer> {
    await this.tool('readpublic', '-c', handle, '-f', 'tpmt', '-o', 'public');
    return readFileSync(this.tpm.file('public'));
  }

  private async persist(context: string, handle: string): Promise<void> {
    await this.tool('evictcontrol', '-C', 'o', '-c', context, handle);
    await this.flush();
  }

  /** What a tool has loaded stays in one of the three slots. */
  private async flush(): Promise<void> {
    await this.tool('flushcontext', '-t');
  }

  private tool(name: string, ...args: string[]): Promise<string> {
    return this.tpm.tool(name, ...args);
  }

  private read(file: string): string {
    return readFileSync(this.tpm.file(file)).toString('base64');
  }
}
