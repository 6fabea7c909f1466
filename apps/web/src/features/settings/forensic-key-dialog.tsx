'use client';

import { createForensicKey, type ForensicKeyFile } from '@raypher/vault';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

/** Makes a key in this browser: the file is downloaded, and only then can its public half be put in force. */
export function ForensicKeyDialog({ onClose }: { onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const toast = useToast();
  const [key, setKey] = useState<Pick<ForensicKeyFile, 'keyId' | 'publicKey'>>();
  const make = useMutation({
    mutationFn: async () => {
      const file = await createForensicKey('organisation');
      download(file);
      // Nothing of the private half stays in the page.
      setKey({ keyId: file.keyId, publicKey: file.publicKey });
    },
  });
  return (
    <ReasonDialog
      title="Make a forensic key"
      description="Whoever has the file opens every snapshot sealed to it. It is shown this once; keep it off the devices, and keep a copy."
      reasonPlaceholder="First key; kept in the safe of the security team"
      confirmName={me.organisation.name}
      missing={key === undefined ? 'Download the key first.' : undefined}
      button="Put in force"
      act={async (answers) => {
        if (key === undefined) throw new Error('Download a key first.');
        return api.putForensicKey({ key, ...answers });
      }}
      onDone={(saved) => {
        toast.done(`Key ${saved.key?.keyId ?? ''} is in force`, 'Devices get it with the policy.');
        void client.invalidateQueries({ queryKey: keys.forensicKey });
      }}
      onClose={onClose}
    >
      <div className="flex flex-wrap items-center gap-3 rounded-lg border bg-canvas px-3 py-2.5">
        <Button onClick={() => make.mutate()} disabled={key !== undefined || make.isPending}>
          <Download /> Download the key
        </Button>
        <span className="text-xs text-ink-2">
          {key === undefined ? (
            'What was sealed to an earlier key stays sealed to that one.'
          ) : (
            <>
              Downloaded: key <code className="font-mono">{key.keyId}</code>
            </>
          )}
        </span>
      </div>
      <InlineError error={make.error} />
    </ReasonDialog>
  );
}

function download(file: ForensicKeyFile): void {
  const url = URL.createObjectURL(
    new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: 'application/json' }),
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = `forensic-${file.keyId}.key`;
  link.click();
  URL.revokeObjectURL(url);
}
