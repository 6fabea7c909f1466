import type { ReactNode } from 'react';

interface PageHeaderProps {
  title: ReactNode;
  /** One line: what this page answers. */
  description?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function PageHeader({ title, description, actions, children }: PageHeaderProps) {
  return (
    <div className="shrink-0 px-4 pt-4 pb-3 lg:px-6">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <h1 className="flex flex-wrap items-center gap-2 text-xl font-semibold tracking-[-0.01em]">
            {title}
          </h1>
          {description !== undefined && <p className="mt-0.5 text-ink-2">{description}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** A titled box; its number or rows lead further. */
export function Section({
  title,
  aside,
  children,
  id,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  id?: string;
}) {
  return (
    <section
      aria-label={title}
      id={id}
      className="flex min-w-0 flex-col overflow-hidden rounded-lg border bg-surface"
    >
      <header className="flex h-10 shrink-0 items-center gap-2 border-b px-4">
        <h2 className="font-semibold">{title}</h2>
        {aside !== undefined && (
          <div className="ml-auto flex items-center gap-2 text-xs text-ink-3">{aside}</div>
        )}
      </header>
      {children}
    </section>
  );
}

/** Name and value, one pair per line. */
export function Facts({ items }: { items: { name: string; value: ReactNode }[] }) {
  return (
    <dl className="grid grid-cols-[minmax(96px,auto)_minmax(0,1fr)] gap-x-4 gap-y-2 px-4 py-3">
      {items.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
