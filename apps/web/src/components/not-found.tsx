import Link from 'next/link';
import type { ReactNode } from 'react';
import { Button } from './ui/button.tsx';

interface NotFoundProps {
  title: string;
  children: ReactNode;
  /** Where others of its kind are. */
  back: { href: string; label: string };
}

/** The address names something that is not there: what, why perhaps, and the way back. */
export function NotFound({ title, children, back }: NotFoundProps) {
  return (
    <div className="mx-auto flex max-w-lg flex-col items-center gap-3 px-6 py-16 text-center">
      <h1 className="text-xl font-semibold tracking-[-0.01em]">{title}</h1>
      <p className="text-ink-2">{children}</p>
      <Button asChild>
        <Link href={back.href}>{back.label}</Link>
      </Button>
    </div>
  );
}
