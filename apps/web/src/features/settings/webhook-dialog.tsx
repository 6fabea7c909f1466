'use client';

import type { WebhookFormat } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { Choice } from '@/components/filter-bar.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
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
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const update = useMutation({
    mutationFn: () =>
      api.updateApprovalSettings({ webhook: isRemoval ? null : { url, format }, reason: answers.reason }),
    onSuccess: ({ signingKey }) => {
      void client.invalidateQueries({ queryKey: keys.approvalSettings });
      if (signingKey === null) onClose();
    },
  });
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  const signingKey = update.data?.signingKey ?? null;
  if (signingKey !== null) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title="Copy the signing key now"
        description="It is shown once. Messages carry raypher-signature: t=SECONDS,v1=HMAC-SHA-256 of SECONDS.BODY; Slack and Teams do not check it."
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Command text={signingKey} label="Copy the signing key" />
      </Dialog>
    );
  }
  const missing =
    (isRemoval || URL.parse(url)?.protocol === 'https:' ? undefined : 'Give an https address.') ??
    missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={close}
      title={isRemoval ? 'Remove the chat webhook' : 'Set a chat webhook'}
      description={
        isRemoval
          ? 'Questions are shown on the page of approvals alone.'
          : 'Only addresses on the public internet are posted to.'
      }
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={isRemoval ? 'danger' : 'primary'}
            disabled={missing !== undefined || update.isPending}
            onClick={() => update.mutate()}
          >
            {isRemoval ? 'Remove' : 'Set'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
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
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="The security channel answers"
        />
        <InlineError error={update.error} />
      </div>
    </Dialog>
  );
}
