'use client';

import type { WebhookFormat } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Choice } from '@/components/filter-bar.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { SigningKeyDialog } from './signing-key-dialog.tsx';
import { WEBHOOK_FORMATS } from './webhook-formats.ts';

interface WebhookDialogProps {
  isRemoval: boolean;
  onClose: () => void;
}

/** Sets or removes the address that is told of questions; shows the key that signs messages once. */
export function WebhookDialog({ isRemoval, onClose }: WebhookDialogProps) {
  const client = useQueryClient();
  const [url, setUrl] = useState('');
  const [format, setFormat] = useState<WebhookFormat>('slack');
  const isHttps = URL.parse(url)?.protocol === 'https:';
  return (
    <ReasonDialog
      title={isRemoval ? 'Remove the chat webhook' : 'Set a chat webhook'}
      description={
        isRemoval
          ? 'Questions are shown on the page of approvals alone.'
          : 'Only addresses on the public internet are posted to.'
      }
      reasonPlaceholder="The security channel answers"
      missing={isRemoval || isHttps ? undefined : 'Give an https address.'}
      button={isRemoval ? 'Remove' : 'Set'}
      variant={isRemoval ? 'danger' : 'primary'}
      act={({ reason }) =>
        api.updateApprovalSettings({ webhook: isRemoval ? null : { url, format }, reason })
      }
      onDone={() => void client.invalidateQueries({ queryKey: keys.approvalSettings })}
      showAnswer={({ signingKey }) =>
        signingKey === null ? null : (
          <SigningKeyDialog
            signingKey={signingKey}
            use="Messages carry raypher-signature: t=SECONDS,v1=HMAC-SHA-256 of SECONDS.BODY; Slack and Teams do not check it."
            onClose={onClose}
          />
        )
      }
      onClose={onClose}
    >
      {!isRemoval && (
        <>
          <Choice
            label="Format"
            value={format}
            options={(['slack', 'teams', 'generic'] as const).map((value) => ({
              value,
              label: WEBHOOK_FORMATS[value],
            }))}
            onChange={(next) => {
              if (next !== '') setFormat(next);
            }}
          />
          <Field
            label="Address"
            hint="Whoever knows it can post there: it is stored encrypted and not shown again."
          >
            {(control) => (
              <Input
                {...control}
                type="url"
                autoComplete="off"
                value={url}
                placeholder="https://"
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
        </>
      )}
    </ReasonDialog>
  );
}
