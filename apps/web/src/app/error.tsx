'use client';

import { ErrorState } from '@/components/states.tsx';

export default function PageError({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <main className="mx-auto max-w-xl py-12">
      <ErrorState
        what="This page failed to draw. Nothing was changed on any device."
        error={error}
        retry={reset}
      />
    </main>
  );
}
