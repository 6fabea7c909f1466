import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { PLACE_KINDS, type UseDraft } from './use-draft.ts';

interface AnyApiFieldsProps {
  draft: UseDraft;
  onChange: (draft: UseDraft) => void;
}

/** What a value for any API may be used for. It is sealed with the value: nobody widens it on the way. */
export function AnyApiFields({ draft, onChange }: AnyApiFieldsProps) {
  const text = (field: Exclude<keyof UseDraft, 'kind'>) => ({
    value: draft[field],
    maxLength: 1000,
    onChange: (event: { target: { value: string } }) => onChange({ ...draft, [field]: event.target.value }),
  });
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Hosts" hint="Such as api.github.com, or *.example.com. Over HTTPS only.">
        {(control) => <Input {...control} {...text('hosts')} />}
      </Field>
      <Field label="Uses" hint="How often it may be sent. Empty: any number of times.">
        {(control) => <Input {...control} {...text('maxUses')} inputMode="numeric" />}
      </Field>
      <Field label="It belongs in">
        {(control) => (
          <Select
            {...control}
            value={draft.kind}
            onChange={(event) => {
              const chosen = PLACE_KINDS.find(({ id }) => id === event.target.value);
              if (chosen !== undefined) onChange({ ...draft, kind: chosen.id, place: chosen.example });
            }}
          >
            {PLACE_KINDS.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Place" hint="The only place of a request where the placeholder is filled in.">
        {(control) => <Input {...control} {...text('place')} />}
      </Field>
      <Field label="Methods" hint="Such as GET. Empty: any.">
        {(control) => <Input {...control} {...text('methods')} />}
      </Field>
      <Field label="Paths" hint="Such as /repos/**. Empty: any.">
        {(control) => <Input {...control} {...text('paths')} />}
      </Field>
    </div>
  );
}
