'use client';

import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { api } from '@/lib/api/client.ts';
import { plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { rememberedLog, rememberLog } from './remembered-log.ts';
import { verifyLog } from './verify-log.ts';

const SOURCE = { status: api.ledger, entries: api.ledgerEntries, consistency: api.ledgerConsistency };

/** Verifies the whole record in this browser; ends with the page. */
export function useVerification() {
  const organisation = useMe().organisation.id;
  const announce = useAnnounce();
  const [progress, setProgress] = useState({ done: 0, size: 0 });
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);
  const run = useMutation({
    mutationFn: async () => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      setProgress({ done: 0, size: 0 });
      const verification = await verifyLog(SOURCE, {
        organisation,
        remembered: rememberedLog(organisation, localStorage),
        onProgress: (done, size) => setProgress({ done, size }),
        signal: controller.signal,
      });
      rememberLog(organisation, verification, localStorage);
      return verification;
    },
    onSuccess: ({ count, size }) =>
      announce(
        count === 0
          ? `Verified: ${plural(size, 'entry', 'entries')}.`
          : `The record is corrupted: ${plural(count, 'fault')}.`,
      ),
  });
  return { run, progress };
}
