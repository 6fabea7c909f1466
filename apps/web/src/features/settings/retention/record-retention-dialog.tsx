'use client';

import { MAX_ARCHIVE_YEARS, MAX_HOT_DAYS, MIN_HOT_DAYS, type RecordRetention } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

interface Props {
  current: RecordRetention;
  onClose: () => void;
}

/** How long the record is kept where. */
export function RecordRetentionDialog({ current, onClose }: Props) {
  const client = useQueryClient();
  const [days, setDays] = useState(String(current.hotDays));
  const [years, setYears] = useState(String(current.archiveYears));
  const [hotDays, archiveYears] = [Number(days), Number(years)];
  const isValid =
    Number.isInteger(hotDays) &&
    hotDays >= MIN_HOT_DAYS &&
    hotDays <= MAX_HOT_DAYS &&
    Number.isInteger(archiveYears) &&
    archiveYears >= 1 &&
    archiveYears <= MAX_ARCHIVE_YEARS;
  return (
    <ReasonDialog
      title="How long the record is kept"
      description="Fewer days count seven days from now. Years hold for what is archived from now on."
      reasonPlaceholder="Our retention policy"
      missing={
        isValid ? undefined : `${MIN_HOT_DAYS} to ${MAX_HOT_DAYS} days, 1 to ${MAX_ARCHIVE_YEARS} years.`
      }
      button="Save"
      act={({ reason }) => api.updateRecordRetention({ hotDays, archiveYears, reason })}
      onDone={() => void client.invalidateQueries({ queryKey: keys.recordRetention })}
      onClose={onClose}
    >
      <Field label="Days in the database" hint="At least, and only once the archive has them.">
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            value={days}
            onChange={(event) => setDays(event.target.value)}
          />
        )}
      </Field>
      <Field label="Years locked in the archive" hint="Where the place of the archive can lock objects.">
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            value={years}
            onChange={(event) => setYears(event.target.value)}
          />
        )}
      </Field>
    </ReasonDialog>
  );
}
