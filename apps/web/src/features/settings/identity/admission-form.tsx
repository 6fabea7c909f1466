'use client';

import { AdmissionRule, type IdentitySettings } from '@raypher/shared/rest';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Select } from '@/components/ui/input.tsx';
import { useWhyNot } from '@/lib/me/me-provider.tsx';
import { IDENTITY, IDENTITY_CLASSES } from '../../identity/identity-class.ts';
import { AdmissionDialog } from './admission-dialog.tsx';
import { changedClasses, RULES } from './admission-rules.ts';

/** One rule for each class of identity. */
export function AdmissionForm({ settings }: { settings: IdentitySettings }) {
  const [admission, setAdmission] = useState(settings.admission);
  const [asking, setAsking] = useState(false);
  const readOnly = useWhyNot('settings:manage') !== undefined;
  const changed = changedClasses(settings.admission, admission);
  return (
    <>
      <p className="border-b px-4 py-3 text-ink-2">
        When a device enrols with a valid token, its class decides what happens next. Devices that are
        enrolled already stay as they are.
      </p>
      <ul aria-label="Admission rules" className="divide-y">
        {IDENTITY_CLASSES.map((identityClass) => {
          const words = IDENTITY[identityClass];
          const Icon = words.icon;
          const rule = admission[identityClass];
          return (
            <li
              key={identityClass}
              className="grid items-start gap-x-4 gap-y-2 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_220px]"
            >
              <div className="flex items-start gap-3">
                <Icon aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-ink-3" />
                <div className="min-w-0">
                  <p className="font-medium">{words.label}</p>
                  <p className="text-xs text-ink-2">{words.meaning}</p>
                </div>
              </div>
              <div className="grid gap-1">
                <Select
                  aria-label={`Rule for ${words.label}`}
                  disabled={readOnly}
                  value={rule}
                  onChange={(event) =>
                    setAdmission({ ...admission, [identityClass]: AdmissionRule.parse(event.target.value) })
                  }
                >
                  {AdmissionRule.options.map((option) => (
                    <option key={option} value={option}>
                      {RULES[option].label}
                    </option>
                  ))}
                </Select>
                <p className="text-xs text-ink-3">
                  {RULES[rule].meaning}
                  {changed.includes(identityClass) && ' · not saved yet'}
                </p>
              </div>
            </li>
          );
        })}
      </ul>
      <div className="flex flex-wrap items-center justify-end gap-2 border-t px-4 py-3">
        <span className="mr-auto text-xs text-ink-3">
          {settings.updatedAt === null ? (
            'Never changed: every class is as it came.'
          ) : (
            <>
              Changed <Time at={settings.updatedAt} />
              {settings.updatedBy !== null && ` by ${settings.updatedBy}`}
            </>
          )}
        </span>
        {changed.length > 0 && <Button onClick={() => setAdmission(settings.admission)}>Undo</Button>}
        <GuardedButton
          needs="settings:manage"
          variant="primary"
          blockedBecause={changed.length === 0 ? 'Nothing is changed yet.' : undefined}
          onClick={() => setAsking(true)}
        >
          Save rules
        </GuardedButton>
      </div>
      {asking && (
        <AdmissionDialog before={settings.admission} after={admission} onClose={() => setAsking(false)} />
      )}
    </>
  );
}
