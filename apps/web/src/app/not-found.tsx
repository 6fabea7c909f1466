import Link from 'next/link';
import { EmptyState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <EmptyState
        title="This page does not exist"
        action={
          <Button asChild>
            <Link href="/">Go to the overview</Link>
          </Button>
        }
      >
        <p>The address is wrong, or what it named was removed.</p>
      </EmptyState>
    </main>
  );
}
