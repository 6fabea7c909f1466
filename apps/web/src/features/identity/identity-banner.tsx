'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { Hourglass, type LucideIcon, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { Time } from '@/components/time.tsx';
import { cn } from '@/lib/cn.ts';
import { cloneEvidence } from './clone-evidence.ts';
import { DecisionButtons } from './decision-buttons.tsx';
import { DECISIONS, type Decision } from './decisions.ts';

/** On top of a device's page while its identity waits for a person: what happened and what can be decided. */
export function IdentityBanner({ device }: { device: DeviceDetail }) {
  if (device.status === 'pending')
    return (
      <Banner
        tone="prompted"
        icon={Hourglass}
        title="Waiting for approval"
        device={device}
        decisions={['approve', 'refuse']}
      >
        <p>
          This device enrolled <Time at={device.enrolledAt} /> and may not connect before somebody approves
          it. The organisation’s rule for its class asks for that. {device.identityReason}
        </p>
      </Banner>
    );
  if (device.status === 'paused') {
    const seen = cloneEvidence(device.history);
    const more = seen.filter(({ detail }) => detail !== device.pauseReason);
    return (
      <Banner
        tone="denied"
        icon={TriangleAlert}
        title={seen.length > 0 ? 'Paused: its identity seems to be in two machines' : 'Paused'}
        device={device}
        decisions={['resume', 'revoke']}
      >
        <p>{device.pauseReason ?? 'No reason was recorded.'}</p>
        {more.length > 0 && (
          <ul aria-label="What was seen" className="mt-1 grid gap-0.5">
            {more.map((event) => (
              <li key={`${event.at} ${event.kind}`}>
                <Time at={event.at} as="full" /> · {event.detail}
              </li>
            ))}
          </ul>
        )}
        <p className="mt-1">
          No machine with this identity is connected. What runs on it keeps its last policy.
        </p>
      </Banner>
    );
  }
  return null;
}

interface BannerProps {
  tone: 'prompted' | 'denied';
  icon: LucideIcon;
  title: string;
  device: DeviceDetail;
  decisions: readonly Decision[];
  children: ReactNode;
}

function Banner({ tone, icon: Icon, title, device, decisions, children }: BannerProps) {
  return (
    <section
      aria-label={title}
      className={cn(
        'mx-4 mb-4 grid gap-3 rounded-lg border px-4 py-3 lg:mx-6',
        tone === 'denied' ? 'border-denied bg-denied-soft' : 'border-prompted bg-prompted-soft',
      )}
    >
      <div className="flex items-start gap-3">
        <Icon
          aria-hidden="true"
          className={cn('mt-0.5 size-4 shrink-0', tone === 'denied' ? 'text-denied' : 'text-prompted')}
        />
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold">{title}</h2>
          <div className="text-ink-2">{children}</div>
        </div>
      </div>
      <dl className="grid gap-x-4 gap-y-1 border-t border-line-strong pt-3 sm:grid-cols-[auto_minmax(0,1fr)]">
        {decisions.map((decision) => (
          <div key={decision} className="contents">
            <dt className="pt-0.5">
              <DecisionButtons device={device} decisions={[decision]} size="sm" />
            </dt>
            <dd className="mb-2 text-ink-2 sm:mb-0">{DECISIONS[decision].consequence}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
