import type { DeviceDetail } from '@raypher/shared/rest';
import { Ban, CircleCheck, Clock3 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { ShortId } from '@/components/copy.tsx';
import { Time } from '@/components/time.tsx';

export function DeviceCertificates({ certificates }: { certificates: DeviceDetail['certificates'] }) {
  if (certificates.length === 0) return <p className="px-4 py-4 text-ink-3">No certificate was issued.</p>;
  return (
    <ul className="divide-y">
      {certificates.map((certificate) => (
        <li key={certificate.fingerprint} className="flex flex-wrap items-center gap-x-3 px-4 py-2">
          <ShortId id={certificate.fingerprint} label="certificate fingerprint" length={12} />
          <span className="flex-1 text-xs text-ink-3">
            until <Time at={certificate.notAfter} as="full" />
          </span>
          <CertificateState certificate={certificate} />
        </li>
      ))}
    </ul>
  );
}

function CertificateState({ certificate }: { certificate: DeviceDetail['certificates'][number] }) {
  if (certificate.revokedAt !== null)
    return (
      <Badge tone="denied" icon={Ban}>
        Revoked
      </Badge>
    );
  if (Date.parse(certificate.notAfter) < Date.now())
    return (
      <Badge tone="unknown" icon={Clock3}>
        Expired
      </Badge>
    );
  return (
    <Badge tone="allowed" icon={CircleCheck}>
      Valid
    </Badge>
  );
}
