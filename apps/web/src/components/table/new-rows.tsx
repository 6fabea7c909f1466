import { ArrowUp } from 'lucide-react';
import { Button } from '../ui/button.tsx';

/** Rows that came while somebody reads a table, held back until they are asked for. Stands over the table. */
export function NewRows({ label, onShow }: { label: string; onShow: () => void }) {
  return (
    <Button
      size="sm"
      variant="primary"
      onClick={onShow}
      className="absolute top-10 left-1/2 z-20 -translate-x-1/2 rounded-full"
    >
      <ArrowUp /> {label}
    </Button>
  );
}
