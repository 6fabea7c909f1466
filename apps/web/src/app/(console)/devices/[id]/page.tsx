import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { z } from 'zod';
import { DevicePage } from '@/features/devices/device-page.tsx';

export const metadata: Metadata = { title: 'Device' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const id = z.uuid().safeParse((await params).id);
  if (!id.success) notFound();
  return <DevicePage id={id.data} />;
}
