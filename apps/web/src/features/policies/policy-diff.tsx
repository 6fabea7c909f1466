'use client';

import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { useNonce } from '@/components/providers.tsx';
import { useNarrow } from '@/lib/use-narrow.ts';
import { editorLook } from './editor-theme.ts';

interface PolicyDiffProps {
  label: string;
  before: string;
  after: string;
}

/** Two sources side by side, or one above the other on a phone; unchanged stretches are folded. */
export function PolicyDiff({ label, before, after }: PolicyDiffProps) {
  const host = useRef<HTMLElement>(null);
  const nonce = useNonce();
  const narrow = useNarrow();
  useEffect(() => {
    if (host.current === null) return undefined;
    // Plain text: the colours here say what changed, and words in them must stay readable.
    const look = (side: string) => [
      lineNumbers(),
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ 'aria-label': `${label}: ${side}` }),
      editorLook(nonce),
    ];
    const collapseUnchanged = { margin: 3, minSize: 6 };
    const view = narrow
      ? new EditorView({
          parent: host.current,
          doc: after,
          extensions: [
            look('changes'),
            unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged }),
          ],
        })
      : new MergeView({
          parent: host.current,
          a: { doc: before, extensions: look('before') },
          b: { doc: after, extensions: look('after') },
          collapseUnchanged,
        });
    return () => view.destroy();
  }, [before, after, label, nonce, narrow]);
  return <section ref={host} aria-label={label} className="overflow-auto" />;
}
