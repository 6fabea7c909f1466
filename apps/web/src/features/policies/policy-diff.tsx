'use client';

import { yaml } from '@codemirror/lang-yaml';
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
    const look = [
      lineNumbers(),
      yaml(),
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      editorLook(nonce),
    ];
    const collapseUnchanged = { margin: 3, minSize: 6 };
    const view = narrow
      ? new EditorView({
          parent: host.current,
          doc: after,
          extensions: [look, unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged })],
        })
      : new MergeView({
          parent: host.current,
          a: { doc: before, extensions: look },
          b: { doc: after, extensions: look },
          collapseUnchanged,
        });
    return () => view.destroy();
  }, [before, after, nonce, narrow]);
  return <section ref={host} aria-label={label} className="overflow-auto" />;
}
