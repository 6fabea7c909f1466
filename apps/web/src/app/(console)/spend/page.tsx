import type { Metadata } from 'next';
import { SpendPage } from '@/features/spend/spend-page.tsx';

export const metadata: Metadata = { title: 'Spend' };

export default function Page() {
  return <SpendPage />;
}
