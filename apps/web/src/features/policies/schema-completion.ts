import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  snippetCompletion,
} from '@codemirror/autocomplete';
import { type EditorView, hoverTooltip, type Tooltip } from '@codemirror/view';
import { indented, snippetAt } from './policy-snippets.ts';
import { describeKey, schemaOptions } from './schema-options.ts';
import { yamlPosition } from './yaml-path.ts';

/** Keys, words and whole items that a schema knows at the cursor. */
export function completeBySchema(schema: unknown) {
  return (context: CompletionContext): CompletionResult | null => {
    const { doc } = context.state;
    const line = doc.lineAt(context.pos);
    const position = yamlPosition(doc.toString().split('\n'), line.number - 1, context.pos - line.from);
    const snippet = snippetAt(position);
    // A dash asks for an item; elsewhere nothing opens by itself before something is typed.
    const isAsked =
      context.explicit || (snippet !== undefined && /-\s$/.test(line.text.slice(0, context.pos - line.from)));
    if (!isAsked && position.typed === '' && position.key === undefined) return null;
    const from = context.pos - position.typed.length;
    const whole =
      snippet === undefined
        ? []
        : [
            snippetCompletion(indented(snippet, from - line.from - leading(line.text)), {
              label: snippet.label,
              type: 'text',
              info: snippet.description,
              boost: 10,
            }),
          ];
    const options = schemaOptions(schema, position).map(
      ({ text, kind, description }): Completion => ({
        label: text.replace(/:\s*$/, ''),
        apply: text,
        type: kind === 'key' ? 'property' : 'enum',
        info: description,
      }),
    );
    if (whole.length + options.length === 0) return null;
    return { from, options: [...whole, ...options], validFor: /^[\w/.-]*$/ };
  };
}

/** CodeMirror indents lines of a snippet as the line that it starts on. */
function leading(line: string): number {
  return /^\s*/.exec(line)?.[0].length ?? 0;
}

const KEY = /[\w-]+(?=\s*:(?:\s|$))/g;

/** What the key under the pointer means. */
export function hoverBySchema(schema: unknown) {
  return hoverTooltip((view: EditorView, pos: number): Tooltip | null => {
    const { doc } = view.state;
    const line = doc.lineAt(pos);
    const key = [...line.text.matchAll(KEY)].find(
      ({ index, 0: text }) => pos >= line.from + index && pos <= line.from + index + text.length,
    );
    if (key === undefined) return null;
    const lines = doc.toString().split('\n');
    const sentences = describeKey(schema, yamlPosition(lines, line.number - 1, key.index).path, key[0]);
    if (sentences === undefined || sentences.length === 0) return null;
    return {
      pos: line.from + key.index,
      end: line.from + key.index + key[0].length,
      above: true,
      create() {
        const dom = document.createElement('div');
        dom.className = 'cm-schema-docs';
        const title = dom.appendChild(document.createElement('code'));
        title.textContent = key[0];
        for (const sentence of sentences) dom.appendChild(document.createElement('p')).textContent = sentence;
        return { dom };
      },
    };
  });
}
