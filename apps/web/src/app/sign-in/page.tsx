import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { safeNext } from '@/features/sign-in/safe-next.ts';
import { SignInForm } from '@/features/sign-in/sign-in-form.tsx';
import { loadMe } from '@/lib/me/load-me.ts';

export const metadata: Metadata = { title: 'Sign in' };

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>;
}) {
  const next = safeNext((await searchParams).next);
  const loaded = await loadMe();
  if (loaded.kind === 'signed-in') redirect(next);
  return <SignInForm next={next} />;
}
