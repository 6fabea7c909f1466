'use client';

import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';

const AnnounceContext = createContext<(sentence: string) => void>(() => undefined);

/** Speaks a sentence to screen readers through the page's one polite region; batches belong in one sentence. */
export function useAnnounce(): (sentence: string) => void {
  return useContext(AnnounceContext);
}

/** At most one announcement in this time: the newest wins. */
const EVERY_MS = 3_000;

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const [sentence, setSentence] = useState('');
  const waiting = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const announce = useCallback((next: string) => {
    if (timer.current !== null) {
      waiting.current = next;
      return;
    }
    setSentence(next);
    timer.current = setTimeout(() => {
      timer.current = null;
      if (waiting.current !== null) setSentence(waiting.current);
      waiting.current = null;
    }, EVERY_MS);
  }, []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div role="status" aria-live="polite" aria-label="Updates" className="sr-only">
        {sentence}
      </div>
    </AnnounceContext>
  );
}
