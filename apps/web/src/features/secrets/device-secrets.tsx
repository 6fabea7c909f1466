'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { KeyRound, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { ShortId } from '@/components/copy.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { useWhyNot } from '@/lib/me/me-provider.tsx';
import { useUrlState } from '@/lib/use-url-state.ts';
import { PushSecretDialog } from './push-secret-dialog.tsx';
import { RevokeSecretDialog } from './revoke-secret-dialog.tsx';

/** API keys that live sealed on the device: pushed from here, never read here. */
export function DeviceSecrets({ device }: { device: DeviceDetail }) {
  const url = useUrlState();
  const [revoking, setRevoking] = useState(false);
  const { vaultKey } = device;
  const mayNot = useWhyNot('secrets:push') !== undefined;
  const blocked =
    device.status === 'revoked'
      ? 'This device is revoked.'
      : device.status !== 'active'
        ? 'The device may not connect now.'
        : vaultKey === null
          ? 'The device has not announced a vault key.'
          : undefined;
  return (
    <Section title="Sealed keys">
      <div className="grid gap-3 px-4 py-3">
        <p className="text-ink-2">
          A key pushed from here is encrypted in your browser to this device’s vault. The control plane
          carries it but cannot read it, and keeps no list of what the device holds.
        </p>
        {vaultKey === null ? (
          <p role="note" className="rounded-md bg-unknown-soft px-3 py-2">
            This device has not announced a vault key yet, so there is nothing to encrypt to. It does so when
            it connects with a version that has a vault.
          </p>
        ) : (
          <p className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
            Vault key <ShortId id={vaultKey.keyId} label="vault key id" length={16} />
          </p>
        )}
        <div className="flex flex-wrap gap-2">
          <GuardedButton needs="secrets:push" blockedBecause={blocked} onClick={() => url.set({ push: '1' })}>
            <KeyRound /> Push a key
          </GuardedButton>
          <GuardedButton needs="secrets:push" blockedBecause={blocked} onClick={() => setRevoking(true)}>
            <Trash2 /> Revoke a key
          </GuardedButton>
        </div>
      </div>
      {url.get('push') !== '' && vaultKey !== null && blocked === undefined && !mayNot && (
        <PushSecretDialog device={device} vaultKey={vaultKey} onClose={() => url.set({ push: null })} />
      )}
      {revoking && <RevokeSecretDialog device={device} onClose={() => setRevoking(false)} />}
    </Section>
  );
}
