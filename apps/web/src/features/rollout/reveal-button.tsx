'use client';

import { Eye, EyeOff } from 'lucide-react';
import { Button } from '@/components/ui/button.tsx';

interface RevealButtonProps {
  revealed: boolean;
  onChange: (revealed: boolean) => void;
}

/** Shows what is hidden on this screen, and hides it again. */
export function RevealButton({ revealed, onChange }: RevealButtonProps) {
  return (
    <Button size="sm" aria-pressed={revealed} onClick={() => onChange(!revealed)}>
      {revealed ? <EyeOff /> : <Eye />} {revealed ? 'Hide the token' : 'Show the token'}
    </Button>
  );
}
