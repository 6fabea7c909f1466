import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { NoAnswer } from '@/components/shell/no-answer.tsx';
import { Shell } from '@/components/shell/shell.tsx';
import { loadMe } from '@/lib/me/load-me.ts';
import { MeProvider } from '@/lib/me/me-provider.tsx';

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const loaded = await loadMe();
  switch (loaded.kind) {
    case 'signed-out': {
      const target = (await headers()).get('x-raypher-target') ?? '/';
      redirect(`/sign-in?next=${encodeURIComponent(target)}`);
      break;
    }
    case 'no-answer':
      return <NoAnswer />;
    case 'signed-in':
      return (
        <MeProvider initial={loaded.me}>
          <Shell>{children}</Shell>
        </MeProvider>
      );
  }
}
