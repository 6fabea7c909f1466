'use client';

import { Search, X } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { cn } from '@/lib/cn.ts';
import { Button } from './ui/button.tsx';
import { Input, Select } from './ui/input.tsx';

export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 border-b px-4 pb-3 lg:px-6">{children}</div>
  );
}

interface SearchBoxProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** Types freely, searches when the typing pauses. */
export function SearchBox({ label, value, onChange }: SearchBoxProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <div className="relative w-full sm:w-64">
      <Search aria-hidden="true" className="pointer-events-none absolute top-2 left-2.5 size-4 text-ink-3" />
      <Input
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="pl-8"
      />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T | '';
  options: { value: T | ''; label: ReactNode }[];
  onChange: (value: T | '') => void;
}

/** A few exclusive choices in a row. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset aria-label={label} className="inline-flex h-8 items-center rounded-md border bg-raised p-0.5">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
          className={cn(
            'h-6.5 rounded-[5px] px-2.5 text-xs font-medium text-ink-2 hover:text-ink',
            option.value === value && 'bg-pressed text-ink',
          )}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

interface FilterSelectProps {
  label: string;
  value: string;
  /** What each choice is called, in the order of the list. */
  options: readonly (readonly [value: string, word: string])[];
  onChange: (value: string) => void;
  className?: string;
}

/** One of many, as a list that opens. */
export function FilterSelect({ label, value, options, onChange, className = 'w-36' }: FilterSelectProps) {
  return (
    <Select
      aria-label={label}
      className={className}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {options.map(([option, word]) => (
        <option key={option} value={option}>
          {word}
        </option>
      ))}
    </Select>
  );
}

/** A filter that a link brought along; pressing it takes it away. Nothing while it filters nothing. */
export function FilterChip({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  if (value === '') return null;
  const text = `${name} ${value}`;
  return (
    <Button size="md" onClick={onRemove} aria-label={`Remove filter: ${text}`} className="bg-raised">
      {text} <X />
    </Button>
  );
}
