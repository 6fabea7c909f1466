'use client';

import { useMutation } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useState } from 'react';
import { InlineError } from '../states.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { missingAnswer, type WideAnswers } from './confirmation.ts';
import { WideFields } from './wide-fields.tsx';

interface ReasonDialogProps<T> {
  title: string;
  description: string;
  /** What follows and what else is asked, above the reason. */
  children?: ReactNode;
  reasonPlaceholder: string;
  /** The organisation's name, when it must be typed. */
  confirmName?: string;
  /** Why it may not start yet, for another cause than the reason. */
  missing?: string | undefined;
  button: ReactNode;
  variant?: 'primary' | 'danger';
  cancel?: string;
  act: (answers: WideAnswers) => Promise<T>;
  /** After it was done; the dialog closes by itself, unless the answer is to be shown. */
  onDone?: (answer: T) => void;
  /** What takes this dialog's place with that answer; null closes it. */
  showAnswer?: (answer: T) => ReactElement | null;
  onClose: () => void;
}

/** An act that is recorded with a reason: what it does, why it is wanted, one button. Stays open when it fails. */
export function ReasonDialog<T>({
  title,
  description,
  children,
  reasonPlaceholder,
  confirmName,
  missing: missingElse,
  button,
  variant = 'primary',
  cancel = 'Cancel',
  act,
  onDone,
  showAnswer,
  onClose,
}: ReasonDialogProps<T>) {
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const acting = useMutation({
    mutationFn: () => act(answers),
    onSuccess: (answer) => {
      onDone?.(answer);
      if (showAnswer?.(answer) == null) onClose();
    },
  });
  const shown = acting.data === undefined ? null : showAnswer?.(acting.data);
  if (shown != null) return shown;
  const missing = missingElse ?? missingAnswer(answers, confirmName);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={title}
      description={description}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>{cancel}</Button>
          <Button
            variant={variant}
            disabled={missing !== undefined || acting.isPending}
            onClick={() => acting.mutate()}
          >
            {button}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        {children}
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={confirmName}
          reasonPlaceholder={reasonPlaceholder}
        />
        <InlineError error={acting.error} />
      </div>
    </Dialog>
  );
}
