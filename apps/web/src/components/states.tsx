import { Inbox, RotateCw, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError, isNotFound } from '@/lib/api/error.ts';
import { Button } from './ui/button.tsx';

/** Nothing here yet: what this place is for and the next step towards filling it. */
export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-lg flex-col items-center gap-3 px-6 py-12 text-center">
      <span className="grid size-9 place-items-center rounded-lg border bg-raised text-ink-3">
        <Inbox aria-hidden="true" className="size-4" />
      </span>
      <h2 className="text-base font-semibold">{title}</h2>
      {children !== undefined && <div className="grid w-full gap-3 text-ink-2">{children}</div>}
      {action}
    </div>
  );
}

/** What failed, what was kept, what to do. */
export function ErrorState({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : 'Something unexpected happened.';
  const hint = error instanceof ApiError ? error.hint : undefined;
  return (
    <div
      role="alert"
      className="m-4 flex items-start gap-3 rounded-lg border border-line-strong bg-surface px-4 py-3"
    >
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-denied" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{what}</p>
        <p className="text-ink-2">{message}</p>
        {hint !== undefined && <p className="text-ink-2">{hint}</p>}
        {error instanceof ApiError && <p className="mt-1 font-mono text-xs text-ink-3">{error.code}</p>}
      </div>
      {retry !== undefined && !isNotFound(error) && (
        <Button size="sm" onClick={retry}>
          <RotateCw /> Try again
        </Button>
      )}
    </div>
  );
}

/** The same inside a dialog, above its buttons. */
export function InlineError({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  const message = error instanceof Error ? error.message : 'Something unexpected happened.';
  const hint = error instanceof ApiError ? error.hint : undefined;
  return (
    <p role="alert" className="flex items-start gap-2 rounded-md bg-denied-soft px-3 py-2 text-denied">
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
      <span>
        {message}
        {hint !== undefined && <span className="text-ink-2"> {hint}</span>}
      </span>
    </p>
  );
}
