'use client';

import { Field } from '../ui/field.tsx';
import { Input, Textarea } from '../ui/input.tsx';
import type { WideAnswers } from './confirmation.ts';

interface WideFieldsProps {
  answers: WideAnswers;
  onChange: (answers: WideAnswers) => void;
  /** The organisation's name, or a device's, when it must be typed. */
  confirmName?: string | undefined;
  /** What confirming it means; the whole organisation unless given. */
  confirmHint?: string;
  reasonPlaceholder: string;
}

/** The reason and, organisation-wide, the typed name. */
export function WideFields({
  answers,
  onChange,
  confirmName,
  confirmHint = 'This concerns the whole organisation.',
  reasonPlaceholder,
}: WideFieldsProps) {
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
        <Field label={`Type ${confirmName} to confirm`} hint={confirmHint}>
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
