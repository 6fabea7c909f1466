'use client';

import { createAuthClient } from 'better-auth/client';
import { LogIn } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Mark } from '@/components/shell/mark.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';

export function SignInForm({ next }: { next: string }) {
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      const result = await createAuthClient().signIn.email({
        email: String(form.get('email') ?? ''),
        password: String(form.get('password') ?? ''),
      });
      if (result.error === null) {
        // A full load, so that the page is rendered for the new session from the start.
        window.location.assign(next);
        return;
      }
      setError(new Error(explain(result.error.status)));
    } catch {
      setError(new Error(explain(0)));
    }
    setBusy(false);
  };

  return (
    <main className="grid min-h-dvh place-items-center px-4 py-12">
      <div className="w-full max-w-[360px]">
        <div className="mb-6 flex items-center gap-2.5">
          <Mark className="size-7 text-accent" />
          <span className="text-xl font-semibold tracking-[-0.01em]">Raypher</span>
        </div>
        <form
          onSubmit={(event) => void submit(event)}
          className="grid gap-4 rounded-lg border bg-surface p-6"
          aria-label="Sign in"
        >
          <div>
            <h1 className="text-lg font-semibold">Sign in</h1>
            <p className="text-ink-2">Govern the AI agents on your machines.</p>
          </div>
          <Field label="Email">
            {(control) => (
              <Input {...control} name="email" type="email" autoComplete="username" required autoFocus />
            )}
          </Field>
          <Field label="Password">
            {(control) => (
              <Input {...control} name="password" type="password" autoComplete="current-password" required />
            )}
          </Field>
          <InlineError error={error} />
          <Button type="submit" variant="primary" size="lg" disabled={busy}>
            <LogIn /> {busy ? 'Signing in' : 'Sign in'}
          </Button>
        </form>
        <p className="mt-4 text-xs text-ink-3">
          An administrator of your organisation gives you an account. The first administrator&apos;s password
          was made when this control plane was set up: whoever did that has it.
        </p>
      </div>
    </main>
  );
}

/** The server does not say which of the two was wrong, and neither does this page. */
function explain(status: number): string {
  if (status === 429)
    return 'Too many attempts. Wait a few minutes, a quarter of an hour at most, then try again.';
  if (status === 0 || status >= 500)
    return 'The control plane does not answer. You are not signed in; try again in a moment.';
  return 'Email or password is wrong, or the account is disabled.';
}
