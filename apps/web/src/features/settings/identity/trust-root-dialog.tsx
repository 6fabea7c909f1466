'use client';

import type { TpmRoot } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';

/** Distrusts a root, removes an own one, or trusts a built-in one again. */
export function TrustRootDialog({ root, onClose }: { root: TpmRoot; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const trust = useMutation({
    mutationFn: () => api.trustTpmRoot(root.fingerprint, { trusted: !root.trusted, reason: answers.reason }),
    onSuccess: () => {
      toast.done(`The root of ${root.manufacturer} is ${root.trusted ? 'no longer trusted' : 'trusted'}`);
      void client.invalidateQueries({ queryKey: keys.tpmRoots });
      onClose();
    },
  });
  const missing = missingAnswer(answers, undefined);
  const removes = root.trusted && root.origin === 'organisation';
  const verb = removes ? 'Remove root' : root.trusted ? 'Distrust root' : 'Trust root';
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`${verb} of ${root.manufacturer}`}
      description={root.subject}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={root.trusted ? 'danger' : 'primary'}
            disabled={missing !== undefined || trust.isPending}
            onClick={() => trust.mutate()}
          >
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
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
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="The maker reported a leaked signing key"
        />
        <InlineError error={trust.error} />
      </div>
    </Dialog>
  );
}
