'use client';

import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from '@codemirror/autocomplete';
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
import { policyJsonSchema } from '@raypher/policy';
import { useEffect, useRef } from 'react';
import { useNonce } from '@/components/providers.tsx';
import { editorLook } from './editor-theme.ts';
import { lintPolicy } from './policy-lint.ts';
import { schemaOptions } from './schema-options.ts';
import { yamlPosition } from './yaml-path.ts';

interface PolicyEditorProps {
  /** Names the editor for screen readers and tests. */
  label: string;
  layer: 'global' | 'team';
  source: string;
  readOnly: boolean;
  onChange: (source: string) => void;
}

/** YAML with the policy's own schema and checker: completion, inline errors and their fixes. */
export function PolicyEditor({ label, layer, source, readOnly, onChange }: PolicyEditorProps) {
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
          autocompletion({ override: [complete], icons: false }),
          lintGutter(),
          linter((current) => lintPolicy(current.state.doc, layer), { delay: 250 }),
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
  }, [label, layer, readOnly, nonce]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === source) return;
    // The text was replaced from outside: the draft was discarded or another revision was loaded.
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: source } });
  }, [source]);

  return <div ref={host} className="h-full min-h-0 overflow-hidden" />;
}

function complete(context: CompletionContext): CompletionResult | null {
  const { doc } = context.state;
  const line = doc.lineAt(context.pos);
  const position = yamlPosition(doc.toString().split('\n'), line.number - 1, context.pos - line.from);
  if (!context.explicit && position.typed === '' && position.key === undefined) return null;
  const options = schemaOptions(policyJsonSchema(), position);
  if (options.length === 0) return null;
  return {
    from: context.pos - position.typed.length,
    options: options.map(({ text, kind, description }) => ({
      label: text.replace(/:\s*$/, ''),
      apply: text,
      type: kind === 'key' ? 'property' : 'enum',
      info: description,
    })),
    validFor: /^[\w/.-]*$/,
  };
}
