'use client';

import { type ExportKind, ExportKind as Kinds } from '@raypher/shared/rest';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select, Textarea } from '@/components/ui/input.tsx';
import type { ExportForm } from './export-form.ts';
import { EXPORT_KINDS } from './export-words.ts';

interface ExportFieldsProps {
  form: ExportForm;
  onChange: (form: ExportForm) => void;
  isNew: boolean;
  fileAllowed: boolean;
}

const ADDRESSES: Record<ExportKind, { placeholder: string; hint: string } | undefined> = {
  'splunk-hec': {
    placeholder: 'https://splunk.example.com:8088',
    hint: 'Of the HTTP Event Collector. With a new address the token has to be given again.',
  },
  webhook: {
    placeholder: 'https://',
    hint: 'Only its host is shown again. A new address gets a new signing key.',
  },
  'syslog-tls': { placeholder: 'siem.example.com:6514', hint: 'Host and port; RFC 5424 messages over TLS.' },
  file: undefined,
};
const SEVERITIES = [
  ['info', 'Everything'],
  ['notice', 'Notice and above'],
  ['warning', 'Warning and above'],
  ['critical', 'Critical alone'],
] as const;

/** What a destination needs to be told, by its kind. */
export function ExportFields({ form, onChange, isNew, fileAllowed }: ExportFieldsProps) {
  const set = (part: Partial<ExportForm>) => onChange({ ...form, ...part });
  const text = (name: keyof ExportForm & ('name' | 'address' | 'index' | 'channel')) => ({
    value: form[name],
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
  });
  const area = (name: keyof ExportForm & ('ca' | 'clientCertificate' | 'clientKey')) => ({
    rows: 2,
    className: 'font-mono text-xs',
    value: form[name],
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
  });
  const address = ADDRESSES[form.kind];
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Kind">
          {(control) => (
            <Select
              {...control}
              disabled={!isNew}
              value={form.kind}
              onChange={(event) => set({ kind: Kinds.parse(event.target.value) })}
            >
              {Kinds.options
                .filter((kind) => kind !== 'file' || fileAllowed || !isNew)
                .map((kind) => (
                  <option key={kind} value={kind}>
                    {EXPORT_KINDS[kind]}
                  </option>
                ))}
            </Select>
          )}
        </Field>
        <Field label="Name">
          {(control) => (
            <Input {...control} maxLength={100} placeholder="Splunk, security" {...text('name')} />
          )}
        </Field>
      </div>
      {address !== undefined && (
        <Field label="Address" hint={address.hint}>
          {(control) => <Input {...control} placeholder={address.placeholder} {...text('address')} />}
        </Field>
      )}
      {form.kind === 'splunk-hec' && (
        <>
          <Field label="Token" hint={isNew ? undefined : 'Leave it empty to keep the one that is stored.'}>
            {(control) => (
              <Input
                {...control}
                type="password"
                autoComplete="off"
                value={form.token}
                onChange={(event) => set({ token: event.target.value })}
              />
            )}
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Index" hint="The token's own unless given.">
              {(control) => <Input {...control} {...text('index')} />}
            </Field>
            <Field label="Channel" hint="A UUID; with it events count once they are indexed.">
              {(control) => <Input {...control} {...text('channel')} />}
            </Field>
          </div>
        </>
      )}
      {address !== undefined && (
        <Field label="Certificate authority" hint="PEM, where the receiver's is not a public one.">
          {(control) => <Textarea {...control} {...area('ca')} />}
        </Field>
      )}
      {form.kind === 'syslog-tls' && (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Client certificate" hint="PEM, if the server wants one.">
            {(control) => <Textarea {...control} {...area('clientCertificate')} />}
          </Field>
          <Field label="Its key" hint="PEM.">
            {(control) => <Textarea {...control} {...area('clientKey')} />}
          </Field>
        </div>
      )}
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="What is sent" hint="What is left out is not sent later either.">
          {(control) => (
            <Select
              {...control}
              value={form.severity}
              onChange={(event) => {
                const found = SEVERITIES.find(([severity]) => severity === event.target.value);
                if (found !== undefined) set({ severity: found[0] });
              }}
            >
              {SEVERITIES.map(([severity, label]) => (
                <option key={severity} value={severity}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {isNew ? (
          <Field label="Begins with">
            {(control) => (
              <Select
                {...control}
                value={form.fromBeginning ? 'beginning' : 'now'}
                onChange={(event) => set({ fromBeginning: event.target.value === 'beginning' })}
              >
                <option value="now">What happens from now on</option>
                <option value="beginning">The first entry of the log</option>
              </Select>
            )}
          </Field>
        ) : (
          <Field label="Sending">
            {(control) => (
              <Select
                {...control}
                value={form.enabled ? 'on' : 'off'}
                onChange={(event) => set({ enabled: event.target.value === 'on' })}
              >
                <option value="on">On</option>
                <option value="off">Off: it catches up when it is on again</option>
              </Select>
            )}
          </Field>
        )}
      </div>
    </>
  );
}
