'use client';

import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { Toast as Primitive } from 'radix-ui';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';

interface ToastMessage {
  id: number;
  tone: 'done' | 'failed';
  title: string;
  detail: string | undefined;
}

interface Toaster {
  done(title: string, detail?: string): void;
  failed(title: string, detail?: string): void;
}

const ToastContext = createContext<Toaster | null>(null);

/** Short confirmations in the corner. Failures stay until they are dismissed. */
export function useToast(): Toaster {
  const toaster = useContext(ToastContext);
  if (toaster === null) throw new Error('useToast needs ToastProvider above it');
  return toaster;
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<ToastMessage[]>([]);
  const add = useCallback((tone: ToastMessage['tone'], title: string, detail?: string) => {
    // At most four: a storm of results must not cover the page.
    setMessages((all) => [...all.slice(-3), { id: (all.at(-1)?.id ?? 0) + 1, tone, title, detail }]);
  }, []);
  const toaster = useMemo<Toaster>(
    () => ({
      done: (title, detail) => add('done', title, detail),
      failed: (title, detail) => add('failed', title, detail),
    }),
    [add],
  );
  return (
    <ToastContext value={toaster}>
      <Primitive.Provider swipeDirection="right" label="Notification">
        {children}
        {messages.map((message) => (
          <Primitive.Root
            key={message.id}
            duration={message.tone === 'done' ? 5_000 : Number.POSITIVE_INFINITY}
            onOpenChange={(open) => {
              if (!open) setMessages((all) => all.filter((other) => other.id !== message.id));
            }}
            className="slide-in flex items-start gap-2.5 rounded-lg border border-line-strong bg-raised px-3 py-2.5"
          >
            {message.tone === 'done' ? (
              <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allowed" />
            ) : (
              <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-denied" />
            )}
            <div className="min-w-0 flex-1">
              <Primitive.Title className="font-medium">{message.title}</Primitive.Title>
              {message.detail !== undefined && (
                <Primitive.Description className="text-xs text-ink-2">{message.detail}</Primitive.Description>
              )}
            </div>
            <Primitive.Close
              aria-label="Dismiss"
              className="grid size-6 place-items-center rounded-md text-ink-3 hover:text-ink"
            >
              <X className="size-3.5" />
            </Primitive.Close>
          </Primitive.Root>
        ))}
        <Primitive.Viewport className="fixed right-3 bottom-3 z-[70] flex w-[calc(100vw-24px)] max-w-sm flex-col gap-2 outline-none" />
      </Primitive.Provider>
    </ToastContext>
  );
}
