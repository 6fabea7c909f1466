'use client';

import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { cn } from '@/lib/cn.ts';
import { shortenId } from '@/lib/format/format.ts';

/** Copies `text`; says so for two seconds. */
export function CopyButton({ text, label, className }: { text: string; label: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button
      type="button"
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
      aria-label={copied ? 'Copied' : label}
      title={copied ? 'Copied' : label}
      className={cn(
        'grid size-6 shrink-0 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink',
        className,
      )}
    >
      {copied ? <Check className="size-3.5 text-allowed" /> : <Copy className="size-3.5" />}
    </button>
  );
}

/** The beginning of an id; the whole on hover and in the clipboard. */
export function ShortId({ id, label, length = 8 }: { id: string; label: string; length?: number }) {
  return (
    <span className="inline-flex items-center gap-0.5">
      <code title={id} className="font-mono text-xs">
        {shortenId(id, length)}
        {id.length > length && '…'}
      </code>
      <CopyButton text={id} label={`Copy ${label}`} />
    </span>
  );
}

/** A command to paste into a terminal. */
export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className="flex items-start gap-2 rounded-md border border-line-strong bg-canvas py-1.5 pr-1.5 pl-3 text-left">
      <code className="min-w-0 flex-1 py-0.5 font-mono text-xs leading-5 break-all whitespace-pre-wrap text-ink select-all">
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </div>
  );
}
