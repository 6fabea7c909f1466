import { SidePanel } from './side-panel.tsx';
import { Button } from './ui/button.tsx';

/** The address opens something that is not in the list beside it. */
export function MissingPanel({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <SidePanel title={title} onClose={onClose}>
      <div className="grid justify-items-start gap-3 px-4 py-4">
        <p className="text-ink-2">
          The address names one that is not in this list: it is older than what is shown, filtered out, or
          gone.
        </p>
        <Button onClick={onClose}>Back to the list</Button>
      </div>
    </SidePanel>
  );
}
