'use client';

import { DropdownMenu as Primitive } from 'radix-ui';
import type { ReactNode } from 'react';

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  onSelect: () => void;
  /** Why it cannot be chosen; shown beside it. */
  disabledReason?: string | undefined;
}

export function Menu({
  trigger,
  items,
  header,
}: {
  trigger: ReactNode;
  items: MenuItem[];
  header?: ReactNode;
}) {
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{trigger}</Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          className="fade-in z-50 min-w-52 rounded-lg border border-line-strong bg-surface p-1"
        >
          {header !== undefined && <div className="border-b px-2 pt-1 pb-2 mb-1">{header}</div>}
          {items.map((item) => (
            <Primitive.Item
              key={item.label}
              disabled={item.disabledReason !== undefined}
              onSelect={item.onSelect}
              className="flex h-8 cursor-pointer items-center gap-2 rounded-md px-2 text-ink outline-none data-[disabled]:cursor-not-allowed data-[disabled]:text-ink-3 data-[highlighted]:bg-hover [&_svg]:size-3.5 [&_svg]:text-ink-3"
            >
              {item.icon}
              <span className="flex-1">{item.label}</span>
              {item.disabledReason !== undefined && <span className="text-xs">{item.disabledReason}</span>}
            </Primitive.Item>
          ))}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
