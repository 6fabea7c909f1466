import { ArrowUp } from 'lucide-react';
import { cn } from '@/lib/cn.ts';
import { Button } from '../ui/button.tsx';

interface NewRowsProps {
  /** Undefined while there are none: the place is kept, so that nothing moves when some come. */
  label: string | undefined;
  onShow: () => void;
}

/** Rows that came while somebody reads a table, held back until they are asked for. Stands beside the table, never over it. */
export function NewRows({ label, onShow }: NewRowsProps) {
  return (
    <Button variant="primary" onClick={onShow} className={cn('min-w-28', label === undefined && 'invisible')}>
      <ArrowUp /> {label}
    </Button>
  );
}
