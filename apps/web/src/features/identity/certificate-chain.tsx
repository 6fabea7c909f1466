import type { DeviceTpm } from '@raypher/shared/rest';
import { Anchor, FileBadge } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { ShortId } from '@/components/copy.tsx';
import { Time } from '@/components/time.tsx';

/** From the TPM's own certificate up to the pinned root. */
export function CertificateChain({ tpm }: { tpm: Pick<DeviceTpm, 'chain' | 'root'> }) {
  if (tpm.chain.length === 0)
    return (
      <p className="px-4 py-3 text-ink-2">
        This TPM has no certificate of its maker, so nobody vouches for what it is.
      </p>
    );
  return (
    <>
      <ol aria-label="Certificate chain of the TPM" className="grid">
        {tpm.chain.map((certificate, index) => {
          const pinned = tpm.root?.fingerprint === certificate.fingerprint;
          return (
            <li key={certificate.fingerprint} className="flex items-start gap-3 px-4 py-2 not-first:border-t">
              {pinned ? (
                <Anchor aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allowed" />
              ) : (
                <FileBadge aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-ink-3" />
              )}
              <div className="min-w-0 flex-1">
                <p className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
                  {index === 0 ? 'The TPM' : pinned ? 'Pinned root' : 'Issuer'}
                  {pinned && (
                    <Badge tone={tpm.root?.kind === 'hardware' ? 'allowed' : 'prompted'}>
                      {tpm.root?.manufacturer}
                    </Badge>
                  )}
                </p>
                <p className="break-words">{nameOf(certificate.subject)}</p>
                <p className="text-xs break-words text-ink-3">issued by {nameOf(certificate.issuer)}</p>
                <p className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
                  <span>
                    until <Time at={certificate.notAfter} as="full" />
                  </span>
                  <ShortId id={certificate.fingerprint} label="certificate fingerprint" length={12} />
                </p>
              </div>
            </li>
          );
        })}
      </ol>
      {tpm.root === null && (
        <p className="border-t px-4 py-2 text-ink-2">
          It ends here: no pinned root issued the last of them. An administrator can pin the maker’s root in
          Settings, Identity; it counts when the device enrols again.
        </p>
      )}
    </>
  );
}

/** EK certificates often have an empty subject: the TPM is named in an extension instead (TCG EK profile §3.2). */
function nameOf(name: string): string {
  return name.trim() === '' ? '(no name in the certificate)' : name.replaceAll('\n', ', ');
}
