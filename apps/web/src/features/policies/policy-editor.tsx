'use client';

import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { useNonce } from '@/components/providers.tsx';
import { editorLook } from './editor-theme.ts';
import type { EditedLanguage } from './policy-language.ts';
import { completeBySchema, hoverBySchema } from './schema-completion.ts';

interface PolicyEditorProps {
  /** Names the editor for screen readers and tests. */
  label: string;
  language: EditedLanguage;
  source: string;
  readOnly: boolean;
  onChange: (source: string) => void;
}

/** YAML with the document's own schema and checker: completion, what keys mean, inline errors and their fixes. */
export function PolicyEditor({ label, language, source, readOnly, onChange }: PolicyEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const nonce = useNonce();
  const report = useRef(onChange);
  const initial = useRef(source);
  useEffect(() => {
    report.current = onChange;
    initial.current = source;
  });

  useEffect(() => {
    if (host.current === null) return undefined;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          yaml(),
          autocompletion({ override: [completeBySchema(language.schema)], icons: false }),
          hoverBySchema(language.schema),
          lintGutter(),
          linter((current) => language.lint(current.state.doc), { delay: 250 }),
          // Tab indents, as YAML wants; Esc then Tab leaves the editor, which its description says.
          keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
          EditorView.contentAttributes.of({
            'aria-label': label,
            // Read-only text is not editable and would not take the focus, although it scrolls.
            tabindex: '0',
            'aria-description': 'Press Escape, then Tab to leave the editor.',
          }),
          EditorState.readOnly.of(readOnly),
          EditorView.editable.of(!readOnly),
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) report.current(update.state.doc.toString());
          }),
          editorLook(nonce),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [label, language, readOnly, nonce]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === source) return;
    // The text was replaced from outside: the draft was discarded or another revision was loaded.
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: source } });
  }, [source]);

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div ref={host} className="min-h-0 flex-1 overflow-hidden" />
      <p className="border-t px-4 py-1 text-xs text-ink-3">
        <kbd>Ctrl</kbd> <kbd>Space</kbd> completes · point at a key to read what it means · <kbd>Esc</kbd>,
        then <kbd>Tab</kbd> leaves the editor
      </p>
    </div>
  );
}
