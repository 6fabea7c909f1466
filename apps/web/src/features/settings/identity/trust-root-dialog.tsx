'use client';

import type { TpmRoot } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';

/** Distrusts a root, removes an own one, or trusts a built-in one again. */
export function TrustRootDialog({ root, onClose }: { root: TpmRoot; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const removes = root.trusted && root.origin === 'organisation';
  const verb = removes ? 'Remove root' : root.trusted ? 'Distrust root' : 'Trust root';
  return (
    <ReasonDialog
      title={`${verb} of ${root.manufacturer}`}
      description={root.subject}
      reasonPlaceholder="The maker reported a leaked signing key"
      button={verb}
      variant={root.trusted ? 'danger' : 'primary'}
      act={({ reason }) => api.trustTpmRoot(root.fingerprint, { trusted: !root.trusted, reason })}
      onDone={() => {
        toast.done(`The root of ${root.manufacturer} is ${root.trusted ? 'no longer trusted' : 'trusted'}`);
        void client.invalidateQueries({ queryKey: keys.tpmRoots });
      }}
      onClose={onClose}
    >
      <section aria-label="What changes" className="rounded-lg border bg-canvas px-3 py-2.5">
        <p>
          {root.trusted
            ? 'A device whose TPM only this root vouches for enrols as unverified from now on, and the rule for that class applies to it.'
            : `A device whose TPM leads to this root enrols as ${root.kind} from now on.`}
        </p>
        {removes && (
          <p className="mt-1">It leaves this list; to trust it again, add its certificate again.</p>
        )}
        <p className="mt-2 border-t pt-2 text-xs text-ink-2">
          {root.devices === 0
            ? 'No enrolled device leads to it.'
            : `${plural(root.devices, 'enrolled device leads', 'enrolled devices lead')} to it: they keep their class and stay connected. Revoke them one by one if they should not.`}
        </p>
      </section>
    </ReasonDialog>
  );
}
