import type { Metadata } from 'next';
import { AddDevicesPage } from '@/features/rollout/add-devices-page.tsx';

export const metadata: Metadata = { title: 'Add devices' };

export default function Page() {
  return <AddDevicesPage />;
}
