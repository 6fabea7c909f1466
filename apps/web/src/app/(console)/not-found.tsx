import { NotFound } from '@/components/not-found.tsx';

export default function PageNotFound() {
  return (
    <NotFound title="This page does not exist" back={{ href: '/', label: 'Go to the overview' }}>
      The address is wrong, or what it named was removed.
    </NotFound>
  );
}
