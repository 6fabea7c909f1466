import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { Button } from '@/components/ui/button.tsx';

/** A fresh organisation: the way to the first governed machine. */
export function FirstSteps() {
  return (
    <section
      aria-label="First steps"
      className="flex flex-wrap items-center gap-4 rounded-lg border border-line-strong bg-surface px-4 py-4"
    >
      <div className="min-w-0 flex-1">
        <h2 className="text-base font-semibold">Add the first device</h2>
        <p className="text-ink-2">
          Create an enrolment token and paste one command on the machine. The starter policy only watches:
          nothing is blocked until you deploy a policy that enforces.
        </p>
      </div>
      <Button asChild variant="primary">
        <Link href="/rollout?new=1">
          Add a device <ArrowRight />
        </Link>
      </Button>
    </section>
  );
}
