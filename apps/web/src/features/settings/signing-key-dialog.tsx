import { Command } from '@/components/copy.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';

interface SigningKeyDialogProps {
  signingKey: string;
  /** What carries signatures of it, and who does not check them. */
  use: string;
  onClose: () => void;
}

/** The key that signs what a webhook is sent, the only time it can be seen. */
export function SigningKeyDialog({ signingKey, use, onClose }: SigningKeyDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Copy the signing key now"
      description={`It is shown once. ${use}`}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <Command text={signingKey} label="Copy the signing key" />
    </Dialog>
  );
}
