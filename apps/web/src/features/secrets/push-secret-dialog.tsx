'use client';

import { ANY_API, type DeviceDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { LockKeyhole } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { AnyApiFields } from './any-api-fields.tsx';
import { CommandOutcome } from './command-outcome.tsx';
import { KNOWN_PROVIDERS } from './known-providers.ts';
import { sealForDevice } from './seal-for-device.ts';
import { nameProblem, valueProblem } from './secret-draft.ts';
import { EMPTY_USE, purposeProblem, writtenUse } from './use-draft.ts';

interface PushSecretDialogProps {
  device: DeviceDetail;
  vaultKey: NonNullable<DeviceDetail['vaultKey']>;
  onClose: () => void;
}

/** A key for one device: encrypted here, carried unread by the control plane, opened by the device alone. */
export function PushSecretDialog({ device, vaultKey, onClose }: PushSecretDialogProps) {
  const client = useQueryClient();
  const [provider, setProvider] = useState<string>(KNOWN_PROVIDERS[0].id);
  const [name, setName] = useState<string>(KNOWN_PROVIDERS[0].id);
  const [value, setValue] = useState('');
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const [draft, setDraft] = useState(EMPTY_USE);
  const isForAnyApi = provider === ANY_API;
  const known = KNOWN_PROVIDERS.find(({ id }) => id === provider);
  const push = useMutation({
    // The value is no argument of the mutation: those are kept as long as its result.
    mutationFn: async () => {
      const use = isForAnyApi ? writtenUse(draft) : undefined;
      const sealed = await sealForDevice(vaultKey, { name, provider, use }, value);
      return api.pushSecret(device.id, {
        name,
        provider,
        ...(use === undefined ? {} : { use }),
        keyId: vaultKey.keyId,
        sealed,
        reason: answers.reason,
      });
    },
    gcTime: 0,
    onSuccess: () => {
      setValue('');
      void client.invalidateQueries({ queryKey: keys.commands(device.id) });
    },
  });
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  if (push.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title={`${name} is on its way to ${device.hostname}`}
        description="Closing this changes nothing."
        footer={<Button onClick={onClose}>Close</Button>}
      >
        <CommandOutcome
          command={push.data}
          connected={device.connected}
          done={`The key is sealed on the device. Programs that are allowed to use it send ${known?.placeholder ?? `raypher:${name}`} instead of it.`}
        />
      </Dialog>
    );
  }
  const missing =
    name === ''
      ? 'Give it a name.'
      : (nameProblem(name) ??
        (isForAnyApi ? purposeProblem(draft) : undefined) ??
        (value === ''
          ? 'Paste the key.'
          : (valueProblem(value, isForAnyApi) ?? missingAnswer(answers, undefined))));
  return (
    <Dialog
      open
      onOpenChange={close}
      title={`Push a sealed key to ${device.label ?? device.hostname}`}
      description="Encrypted in this browser to the device's vault. The control plane carries it but cannot read it."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || push.isPending}
            onClick={() => push.mutate()}
          >
            <LockKeyhole /> {push.isPending ? 'Sealing' : 'Seal and push'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="Provider"
            hint={
              isForAnyApi
                ? 'The value is sent to the hosts below and nowhere else.'
                : "The key is sent to this provider's own host and nowhere else."
            }
          >
            {(control) => (
              <Select
                {...control}
                value={provider}
                onChange={(event) => {
                  // A name that was not typed follows the provider.
                  if (name === provider) setName(event.target.value);
                  setProvider(event.target.value);
                }}
              >
                {KNOWN_PROVIDERS.map(({ id, label }) => (
                  <option key={id} value={id}>
                    {label}
                  </option>
                ))}
                <option value={ANY_API}>Any other API</option>
              </Select>
            )}
          </Field>
          <Field label="Name" hint="What the key is called on the device." error={nameProblem(name)}>
            {(control) => (
              <Input
                {...control}
                maxLength={64}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
        </div>
        {isForAnyApi && <AnyApiFields draft={draft} onChange={setDraft} />}
        <Field
          label="Key"
          hint="Kept in this page until it is sent, and nowhere else."
          error={valueProblem(value, isForAnyApi)}
        >
          {(control) => (
            <Input
              {...control}
              type="password"
              // Browsers ignore "off" for passwords; this one they do not fill in or offer to keep.
              autoComplete="new-password"
              data-1p-ignore
              data-lpignore="true"
              maxLength={10_000}
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        <p className="text-xs text-ink-3">
          Vault key <code className="font-mono text-ink-2">{vaultKey.keyId}</code>, announced by the device;
          the control plane checked that the device’s identity signed it. If the device has another one
          meanwhile, it refuses.
        </p>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="The support bot moves to this machine"
        />
        <InlineError error={push.error} />
      </div>
    </Dialog>
  );
}
