'use client';

import { Field } from '../ui/field.tsx';
import { Input, Textarea } from '../ui/input.tsx';
import type { WideAnswers } from './confirmation.ts';

interface WideFieldsProps {
  answers: WideAnswers;
  onChange: (answers: WideAnswers) => void;
  /** The organisation's name, when it must be typed. */
  confirmName?: string | undefined;
  reasonPlaceholder: string;
}

/** The reason and, organisation-wide, the typed name. */
export function WideFields({ answers, onChange, confirmName, reasonPlaceholder }: WideFieldsProps) {
  return (
    <>
      <Field label="Reason" hint="Recorded in the audit.">
        {(control) => (
          <Textarea
            {...control}
            rows={2}
            maxLength={1000}
            value={answers.reason}
            placeholder={reasonPlaceholder}
            onChange={(event) => onChange({ ...answers, reason: event.target.value })}
          />
        )}
      </Field>
      {confirmName !== undefined && (
        <Field label={`Type ${confirmName} to confirm`} hint="This concerns the whole organisation.">
          {(control) => (
            <Input
              {...control}
              value={answers.confirm}
              onChange={(event) => onChange({ ...answers, confirm: event.target.value })}
            />
          )}
        </Field>
      )}
    </>
  );
}
