import type { Metadata } from 'next';
import { WatchtowerPage } from '@/features/watchtower/watchtower-page.tsx';

export const metadata: Metadata = { title: 'Watchtower' };

export default function Page() {
  return <WatchtowerPage />;
}
