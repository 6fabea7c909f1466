import { NotFound } from '@/components/not-found.tsx';

export function DeviceNotFound() {
  return (
    <NotFound title="There is no such device" back={{ href: '/devices', label: 'All devices' }}>
      The address is wrong, or the device belongs to another organisation.
    </NotFound>
  );
}
