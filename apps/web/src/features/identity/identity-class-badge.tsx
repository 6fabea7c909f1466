import type { Device } from '@raypher/shared/rest';
import { Badge } from '@/components/badge.tsx';
import { IDENTITY } from './identity-class.ts';

/** The class of a device's identity; why it is of this class on hover, and for screen readers. */
export function IdentityClassBadge({
  device,
  short = false,
}: {
  device: Pick<Device, 'identityClass' | 'identityReason'>;
  short?: boolean;
}) {
  const words = IDENTITY[device.identityClass];
  return (
    <Badge tone={words.tone} icon={words.icon} title={`${words.label}. ${device.identityReason}`}>
      {short ? words.short : words.label}
      <span className="sr-only">. {device.identityReason}</span>
    </Badge>
  );
}
