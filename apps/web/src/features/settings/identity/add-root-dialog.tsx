'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select, Textarea } from '@/components/ui/input.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { ApiError } from '@/lib/api/error.ts';
import { keys } from '@/lib/api/keys.ts';
import { pemProblem } from './pem-problem.ts';

/** Pins one more root: for a maker that is missing, or for the organisation's own virtual TPMs. */
export function AddRootDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const [certificate, setCertificate] = useState('');
  const [manufacturer, setManufacturer] = useState('');
  const [kind, setKind] = useState<'hardware' | 'virtual'>('virtual');
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const add = useMutation({
    mutationFn: () => api.addTpmRoot({ certificate, manufacturer, kind, reason: answers.reason }),
    onSuccess: () => {
      toast.done(`The root of ${manufacturer} is pinned`);
      void client.invalidateQueries({ queryKey: keys.tpmRoots });
      onClose();
    },
  });
  // What the control plane refuses about the certificate belongs to the certificate's field.
  const refused =
    add.error instanceof ApiError &&
    add.error.status >= 400 &&
    add.error.status < 500 &&
    add.error.status !== 403
      ? [add.error.message, add.error.hint].filter(Boolean).join(' ')
      : undefined;
  const problem = pemProblem(certificate);
  const missing =
    certificate.trim() === ''
      ? 'Paste the certificate first.'
      : (problem ??
        (manufacturer.trim() === '' ? 'Say whose root it is.' : missingAnswer(answers, undefined)));
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Add a TPM root"
      description="A device whose TPM leads to this certificate enrols as what you say here. Take it from its maker, over a connection you trust."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || add.isPending}
            onClick={() => add.mutate()}
          >
            Add root
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <Field
          label="Certificate (PEM)"
          hint="One self-signed CA certificate, from BEGIN CERTIFICATE to END CERTIFICATE."
          error={certificate.trim() === '' ? undefined : (problem ?? refused)}
        >
          {(control) => (
            <Textarea
              {...control}
              rows={7}
              maxLength={16_000}
              spellCheck={false}
              className="font-mono text-xs"
              placeholder="-----BEGIN CERTIFICATE-----"
              value={certificate}
              onChange={(event) => {
                setCertificate(event.target.value);
                add.reset();
              }}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Maker" hint="Shown with every device that leads to it.">
            {(control) => (
              <Input
                {...control}
                maxLength={100}
                value={manufacturer}
                onChange={(event) => setManufacturer(event.target.value)}
              />
            )}
          </Field>
          <Field label="Vouches for" hint="Only a maker's promise makes it hardware.">
            {(control) => (
              <Select
                {...control}
                value={kind}
                onChange={(event) => setKind(event.target.value === 'hardware' ? 'hardware' : 'virtual')}
              >
                <option value="virtual">Virtual TPMs</option>
                <option value="hardware">Chips</option>
              </Select>
            )}
          </Field>
        </div>
        <WideFields answers={answers} onChange={setAnswers} reasonPlaceholder="TPMs of our own hypervisors" />
        <InlineError error={refused === undefined ? add.error : undefined} />
      </div>
    </Dialog>
  );
}
