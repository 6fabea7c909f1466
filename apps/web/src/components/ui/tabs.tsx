'use client';

import { Tabs as Primitive } from 'radix-ui';
import type { ReactNode } from 'react';

interface TabsProps<T extends string> {
  value: T;
  onChange: (value: T) => void;
  /** Names the group for screen readers. */
  label: string;
  tabs: { value: T; label: ReactNode }[];
  /** Beside the tabs, at the end of the line. */
  aside?: ReactNode;
  children?: ReactNode;
}

export function Tabs<T extends string>({ value, onChange, label, tabs, aside, children }: TabsProps<T>) {
  const change = (next: string): void => {
    const tab = tabs.find((candidate) => candidate.value === next);
    if (tab !== undefined) onChange(tab.value);
  };
  return (
    <Primitive.Root value={value} onValueChange={change} className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-x-2 border-b">
        <Primitive.List aria-label={label} className="flex min-w-0 flex-wrap gap-x-1">
          {tabs.map((tab) => (
            <Primitive.Trigger
              key={tab.value}
              value={tab.value}
              className="-mb-px flex h-9 items-center -outline-offset-2 gap-1.5 border-b-2 border-transparent px-2.5 font-medium whitespace-nowrap text-ink-2 hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
            >
              {tab.label}
            </Primitive.Trigger>
          ))}
        </Primitive.List>
        {aside !== undefined && <div className="ml-auto flex items-center gap-2">{aside}</div>}
      </div>
      <Primitive.Content value={value} className="flex min-h-0 flex-1 flex-col outline-none" tabIndex={-1}>
        {children}
      </Primitive.Content>
    </Primitive.Root>
  );
}
