import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn.ts';

const FIELD =
  'w-full rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink placeholder:text-ink-3 hover:border-ink-3 focus:border-accent focus:outline-2 focus:outline-accent/40 focus:outline-offset-0 disabled:cursor-not-allowed disabled:opacity-50 aria-invalid:border-denied';

export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <input className={cn(FIELD, 'h-8', className)} autoComplete="off" spellCheck={false} {...props} />;
}

export function Textarea({ className, ...props }: ComponentProps<'textarea'>) {
  return <textarea className={cn(FIELD, 'min-h-16 py-1.5', className)} {...props} />;
}

/** The platform's own list: works with every keyboard, screen reader and phone. */
export function Select({ className, ...props }: ComponentProps<'select'>) {
  return (
    <span className={cn('relative inline-flex w-full', className)}>
      <select className={cn(FIELD, 'h-8 appearance-none pr-7')} {...props} />
      <svg
        aria-hidden="true"
        viewBox="0 0 16 16"
        className="pointer-events-none absolute top-2 right-2 size-4 text-ink-3"
      >
        <path d="M4.5 6.5 8 10l3.5-3.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
      </svg>
    </span>
  );
}
