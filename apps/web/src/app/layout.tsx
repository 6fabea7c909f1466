import type { Metadata, Viewport } from 'next';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import { Providers } from '@/components/providers.tsx';
import { readNonce } from '@/lib/nonce.ts';
import { parseTheme, THEME_COOKIE } from '@/lib/theme.ts';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Raypher', template: '%s · Raypher' },
  description: 'Govern the AI agents on your machines.',
  robots: { index: false, follow: false },
};
/** A nonce belongs to one response, so no page may be rendered ahead of its request. */
export const dynamic = 'force-dynamic';
export const viewport: Viewport = { width: 'device-width', initialScale: 1 };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = readNonce((await headers()).get('content-security-policy'));
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <html lang="en-GB" data-theme={theme} suppressHydrationWarning>
      <body>
        <Providers nonce={nonce}>{children}</Providers>
      </body>
    </html>
  );
}
