'use client';

import { useEffect, useState } from 'react';

/** The present time, renewed every `everyMs`; 0 while the server renders, which knows no viewer's clock. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
