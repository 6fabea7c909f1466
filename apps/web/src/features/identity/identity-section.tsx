'use client';

import type { DeviceDetail, DeviceTpm } from '@raypher/shared/rest';
import { Command, ShortId } from '@/components/copy.tsx';
import { Facts, Section } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { CertificateChain } from './certificate-chain.tsx';
import { IDENTITY } from './identity-class.ts';
import { IdentityClassBadge } from './identity-class-badge.tsx';
import { IdentityHistory } from './identity-history.tsx';
import { PcrTable } from './pcr-table.tsx';

/** What this device's identity rests on, with its proof and its history. */
export function IdentitySection({ device }: { device: DeviceDetail }) {
  const { protects } = IDENTITY[device.identityClass];
  return (
    <Section title="Identity" id="identity" aside={<IdentityClassBadge device={device} />}>
      <div className="grid gap-1.5 px-4 py-3">
        <p className="font-medium">{device.identityReason}</p>
        <p className="text-ink-2">{protects}</p>
      </div>
      {device.tpm === null ? <NoTpm /> : <TpmProof tpm={device.tpm} />}
      <h3 className="border-t px-4 pt-3 pb-1 font-semibold">History</h3>
      <IdentityHistory events={device.history} />
    </Section>
  );
}

function NoTpm() {
  return (
    <details className="border-t">
      <summary className="cursor-pointer px-4 py-2 text-ink-2 -outline-offset-2 hover:text-ink">
        How it gets a hardware identity
      </summary>
      <ol className="grid list-decimal gap-1.5 border-t py-3 pr-4 pl-8 text-ink-2">
        <li>
          See that the machine has a TPM 2.0 and that it is switched on in the firmware. Most computers since
          2016 have one; a virtual machine needs a virtual TPM added to it.
        </li>
        <li>Create an enrolment token under Add devices.</li>
        <li>
          Enrol again on the machine; the device gives up this identity and gets a new one:
          <div className="mt-1">
            <Command text="sudo raypher enroll --replace --token-file FILE" label="Copy the command" />
          </div>
        </li>
      </ol>
    </details>
  );
}

const ALGORITHMS: Record<string, string> = { rsa2048: 'RSA 2048', 'ecc-p256': 'ECC P-256' };

function TpmProof({ tpm }: { tpm: DeviceTpm }) {
  return (
    <>
      <div className="border-t">
        <CertificateChain tpm={tpm} />
      </div>
      <div className="border-t">
        <Facts
          items={[
            { name: 'Last quote', value: <Time at={tpm.quotedAt} /> },
            { name: 'TPM resets', value: formatCount(tpm.resetCount) },
            { name: 'TPM restarts', value: formatCount(tpm.restartCount) },
            { name: 'TPM firmware', value: <code className="font-mono text-xs">{tpm.firmwareVersion}</code> },
            {
              name: 'Endorsement key',
              value: (
                <span className="flex flex-wrap items-center gap-x-2">
                  {ALGORITHMS[tpm.algorithm] ?? tpm.algorithm}
                  <ShortId id={tpm.endorsementFingerprint} label="endorsement key fingerprint" length={16} />
                </span>
              ),
            },
            {
              name: 'Attestation key',
              value: <ShortId id={tpm.attestationKeyName} label="attestation key name" length={16} />,
            },
          ]}
        />
      </div>
      <PcrTable pcrs={tpm.pcrs} />
    </>
  );
}
