import { notFound } from 'next/navigation';

/** Every address that no page has: answered inside the console, so that the navigation stays. */
export default function Page() {
  notFound();
}
