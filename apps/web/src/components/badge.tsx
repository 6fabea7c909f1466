import type { Device } from '@raypher/shared/rest';
import {
  Ban,
  Circle,
  CircleCheck,
  CircleHelp,
  CircleX,
  Eye,
  FlaskConical,
  Hourglass,
  Pause,
  Plug,
  Snowflake,
  TriangleAlert,
  Unplug,
} from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { cn } from '@/lib/cn.ts';

export type Tone = 'allowed' | 'prompted' | 'denied' | 'frozen' | 'unknown' | 'accent';

const TONES: Record<Tone, string> = {
  allowed: 'text-allowed bg-allowed-soft',
  prompted: 'text-prompted bg-prompted-soft',
  denied: 'text-denied bg-denied-soft',
  frozen: 'text-frozen bg-frozen-soft',
  unknown: 'text-unknown bg-unknown-soft',
  accent: 'text-accent bg-accent-soft',
};

interface BadgeProps {
  tone: Tone;
  icon?: ComponentType<{ className?: string }>;
  children: ReactNode;
  title?: string | undefined;
  className?: string;
}

/** A state: icon and word in its colour, never the colour alone. */
export function Badge({ tone, icon: Icon, children, title, className }: BadgeProps) {
  return (
    <span
      title={title}
      className={cn(
        'inline-flex h-5 items-center gap-1 rounded-sm px-1.5 text-xs font-medium whitespace-nowrap',
        TONES[tone],
        className,
      )}
    >
      {Icon !== undefined && <Icon aria-hidden="true" className="size-3 shrink-0" />}
      {children}
    </span>
  );
}

export function OutcomeBadge({
  outcome,
  mode,
}: {
  outcome: 'ALLOW' | 'DENY' | 'PROMPT' | null;
  mode: 'enforce' | 'monitor' | null;
}) {
  if (outcome === null) return <span className="text-ink-3">–</span>;
  if (outcome === 'ALLOW')
    return (
      <Badge tone="allowed" icon={CircleCheck}>
        Allowed
      </Badge>
    );
  // Monitor mode records what it says and acts on nothing: that must never read like a block or a question.
  if (outcome === 'PROMPT' && mode === 'monitor')
    return (
      <Badge tone="prompted" icon={Eye} title="Monitor mode: recorded, nobody was asked">
        Would prompt
      </Badge>
    );
  if (outcome === 'PROMPT')
    return (
      <Badge tone="prompted" icon={CircleHelp}>
        Prompted
      </Badge>
    );
  if (mode === 'monitor')
    return (
      <Badge tone="prompted" icon={Eye} title="Monitor mode: recorded, not blocked">
        Would deny
      </Badge>
    );
  return (
    <Badge tone="denied" icon={Ban}>
      Denied
    </Badge>
  );
}

export function PostureBadge({ state }: { state: 'enforced' | 'observing' | 'unavailable' }) {
  switch (state) {
    case 'enforced':
      return (
        <Badge tone="allowed" icon={CircleCheck}>
          Enforced
        </Badge>
      );
    case 'observing':
      return (
        <Badge tone="prompted" icon={Eye}>
          Observing
        </Badge>
      );
    case 'unavailable':
      return (
        <Badge tone="unknown" icon={CircleX}>
          Unavailable
        </Badge>
      );
  }
}

export function DeviceStateBadge({
  device,
}: {
  device: Pick<Device, 'status' | 'connected' | 'lastSeenAt' | 'pauseReason'>;
}) {
  if (device.status === 'revoked')
    return (
      <Badge tone="denied" icon={Ban}>
        Revoked
      </Badge>
    );
  if (device.status === 'pending')
    return (
      <Badge tone="prompted" icon={Hourglass} title="Enrolled, but may not connect before it is approved">
        Pending
      </Badge>
    );
  if (device.status === 'paused')
    return (
      <Badge tone="denied" icon={Pause} title={device.pauseReason ?? undefined}>
        Paused
      </Badge>
    );
  if (device.connected)
    return (
      <Badge tone="allowed" icon={Plug}>
        Connected
      </Badge>
    );
  return (
    <Badge tone="unknown" icon={Unplug}>
      {device.lastSeenAt === null ? 'Never seen' : 'Disconnected'}
    </Badge>
  );
}

export function AgentStateBadge({ state }: { state: 'running' | 'frozen' | 'gone' }) {
  switch (state) {
    case 'running':
      return (
        <Badge tone="allowed" icon={CircleCheck}>
          Running
        </Badge>
      );
    case 'frozen':
      return (
        <Badge tone="frozen" icon={Snowflake}>
          Frozen
        </Badge>
      );
    case 'gone':
      return (
        <Badge tone="unknown" icon={Circle}>
          Gone
        </Badge>
      );
  }
}

const SIMULATED = 'Not a real machine: part of a simulated fleet';

export function SimulatedBadge() {
  return (
    <Badge tone="accent" icon={FlaskConical} title={SIMULATED}>
      Simulated
    </Badge>
  );
}

/** Beside names in rows, where there is little room. */
export function SmallSimulatedBadge() {
  return (
    <Badge tone="accent" title={SIMULATED} className="h-4 shrink-0 px-1 text-[11px]">
      Simulated
    </Badge>
  );
}

export function SeverityBadge({ severity }: { severity: string }) {
  if (severity === 'critical')
    return (
      <Badge tone="denied" icon={TriangleAlert}>
        Critical
      </Badge>
    );
  if (severity === 'warning')
    return (
      <Badge tone="prompted" icon={TriangleAlert}>
        Warning
      </Badge>
    );
  return <Badge tone="unknown">{severity === 'notice' ? 'Notice' : 'Info'}</Badge>;
}
