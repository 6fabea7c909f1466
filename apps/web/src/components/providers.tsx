'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Tooltip } from 'radix-ui';
import { createContext, type ReactNode, useContext, useState } from 'react';
import { ApiError } from '@/lib/api/error.ts';
import { ToastProvider } from './ui/toast.tsx';

const NonceContext = createContext<string | undefined>(undefined);

/** The nonce for style elements that libraries create in the browser. */
export function useNonce(): string | undefined {
  return useContext(NonceContext);
}

export function Providers({ nonce, children }: { nonce: string | undefined; children: ReactNode }) {
  const [client] = useState(createQueryClient);
  // Browsers hide the attribute from the DOM after parsing, so a client navigation keeps the first one.
  const [firstNonce] = useState(nonce);
  if (typeof window !== 'undefined') exposeNonce(firstNonce);
  return (
    <NonceContext value={firstNonce}>
      <QueryClientProvider client={client}>
        <Tooltip.Provider delayDuration={300}>
          <ToastProvider>{children}</ToastProvider>
        </Tooltip.Provider>
      </QueryClientProvider>
    </NonceContext>
  );
}

/** The scroll lock behind dialogs inserts a style element and looks for its nonce under this name. */
function exposeNonce(nonce: string | undefined): void {
  Object.assign(window, { __webpack_nonce__: nonce });
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Live messages say when something changed; this is the net under them.
        staleTime: 30_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) =>
          failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      },
    },
  });
}
