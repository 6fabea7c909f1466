import type { Metadata } from 'next';
import { PanicPage } from '@/features/panic/panic-page.tsx';

export const metadata: Metadata = { title: 'Panic Center' };

export default function Page() {
  return <PanicPage />;
}
