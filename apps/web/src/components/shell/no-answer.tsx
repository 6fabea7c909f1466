'use client';

import { RotateCw } from 'lucide-react';
import { useEffect } from 'react';
import { EmptyState } from '../states.tsx';
import { Button } from '../ui/button.tsx';

const RETRY_MS = 5_000;

/** The API is down: says so and tries again by itself. */
export function NoAnswer() {
  useEffect(() => {
    const timer = setTimeout(() => window.location.reload(), RETRY_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main className="grid min-h-dvh place-items-center">
      <EmptyState
        title="The control plane does not answer"
        action={
          <Button onClick={() => window.location.reload()}>
            <RotateCw /> Try now
          </Button>
        }
      >
        <p>
          Devices keep enforcing their last policy and keep their events until it is back. This page tries
          again every five seconds.
        </p>
      </EmptyState>
    </main>
  );
}
