import { cva, type VariantProps } from 'class-variance-authority';
import { Slot } from 'radix-ui';
import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn.ts';

const button = cva(
  'inline-flex items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap select-none transition-colors disabled:cursor-not-allowed disabled:opacity-50 aria-disabled:cursor-not-allowed aria-disabled:opacity-50 [&_svg]:size-3.5 [&_svg]:shrink-0',
  {
    variants: {
      variant: {
        primary:
          'border-transparent bg-accent-solid text-white not-aria-disabled:enabled:hover:bg-accent-solid-hover',
        secondary: 'border-line-strong bg-surface text-ink not-aria-disabled:enabled:hover:bg-hover',
        ghost:
          'border-transparent bg-transparent text-ink-2 not-aria-disabled:enabled:hover:bg-hover not-aria-disabled:enabled:hover:text-ink',
        danger:
          'border-transparent bg-denied-solid text-white not-aria-disabled:enabled:hover:brightness-110',
        freeze:
          'border-transparent bg-frozen-solid text-white not-aria-disabled:enabled:hover:brightness-110',
      },
      size: {
        sm: 'h-7 px-2 text-xs',
        md: 'h-8 px-3 text-sm',
        lg: 'h-9 px-4 text-sm',
        icon: 'size-7',
      },
    },
    defaultVariants: { variant: 'secondary', size: 'md' },
  },
);

interface ButtonProps extends ComponentProps<'button'>, VariantProps<typeof button> {
  /** Renders the child (a link) with the looks of a button. */
  asChild?: boolean;
}

export function Button({ className, variant, size, asChild = false, ...props }: ButtonProps) {
  const Element = asChild ? Slot.Root : 'button';
  return (
    <Element
      type={asChild ? undefined : 'button'}
      className={cn(button({ variant, size }), asChild && linkHover(variant), className)}
      {...props}
    />
  );
}

/** `enabled:` never matches a link. */
function linkHover(variant: ButtonProps['variant']): string {
  return variant === 'primary' ? 'hover:bg-accent-solid-hover' : 'hover:bg-hover';
}
