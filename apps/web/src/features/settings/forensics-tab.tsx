'use client';

import { useQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts, Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { ForensicKeyDialog } from './forensic-key-dialog.tsx';

/** What snapshots of a panic are sealed to. */
export function ForensicsTab() {
  const [making, setMaking] = useState(false);
  const { data, error, refetch } = useQuery({ queryKey: keys.forensicKey, queryFn: api.forensicKey });
  const make = (label: string) => (
    <GuardedButton needs="settings:manage" onClick={() => setMaking(true)}>
      <KeyRound /> {label}
    </GuardedButton>
  );
  return (
    <Section title="Forensic key" aside={data !== undefined && data.key !== null && make('Replace')}>
      {error !== null && data === undefined ? (
        <ErrorState what="The settings could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={3} />
      ) : data.key === null ? (
        <EmptyState title="Snapshots are sealed to each device" action={make('Make a key')}>
          <p>
            A panic leaves a sealed snapshot on the device. With a key of the organisation nobody but you
            opens it, the device’s own administrator included. The private half is made in this browser and
            never leaves it but as a file that you keep.
          </p>
        </EmptyState>
      ) : (
        <Facts
          items={[
            { name: 'Key', value: <code className="font-mono text-xs">{data.key.keyId}</code> },
            {
              name: 'Public half',
              value: <code className="font-mono text-xs break-all">{data.key.publicKey}</code>,
            },
            { name: 'Set by', value: data.updatedBy ?? '' },
            { name: 'Set', value: data.updatedAt === null ? '' : <Time at={data.updatedAt} as="full" /> },
          ]}
        />
      )}
      {making && <ForensicKeyDialog onClose={() => setMaking(false)} />}
    </Section>
  );
}
