'use client';

import { Tag } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { PricesDialog } from './prices-dialog.tsx';

export function PricesButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Tag /> Prices
      </Button>
      {open && <PricesDialog onClose={() => setOpen(false)} />}
    </>
  );
}
