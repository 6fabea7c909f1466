import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** The editor in the page's own tokens, so that both themes need nothing else. */
const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '20px' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--ink-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 8px 0 16px' },
  '.cm-activeLine, .cm-activeLineGutter': {
    backgroundColor: 'color-mix(in oklab, var(--raised) 55%, transparent)',
  },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in oklab, var(--accent) 25%, transparent)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: 'none' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    color: 'var(--ink)',
    maxWidth: '440px',
  },
  '.cm-tooltip-autocomplete > ul > li': {
    padding: '2px 8px',
    fontFamily: 'var(--font-mono)',
    lineHeight: '20px',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--accent-solid)',
    color: '#fff',
  },
  '.cm-schema-docs': { padding: '6px 10px', fontFamily: 'var(--font-sans)', lineHeight: '20px' },
  '.cm-schema-docs code': { color: 'var(--accent)', fontFamily: 'var(--font-mono)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--prompted)' },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--prompted)',
    textUnderlineOffset: '3px',
  },
  '.cm-completionInfo': { padding: '6px 10px', fontFamily: 'var(--font-sans)' },
  '.cm-diagnostic': { fontFamily: 'var(--font-sans)', padding: '6px 10px', borderLeftWidth: '3px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--denied)' },
  '.cm-diagnosticAction': { backgroundColor: 'var(--accent-solid)', borderRadius: '4px', padding: '2px 6px' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--denied)',
    textUnderlineOffset: '3px',
  },
  '.cm-lint-marker': { width: '12px', height: '12px' },
  '.cm-deletedChunk': { backgroundColor: 'var(--denied-soft)' },
  '.cm-deletedLine, .cm-deletedText, &.cm-merge-a .cm-changedText': {
    textDecoration: 'none',
    background: 'color-mix(in oklab, var(--denied) 16%, transparent)',
  },
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--allowed-soft)', textDecoration: 'none' },
  '&.cm-merge-b .cm-changedText, .cm-changedText': {
    background: 'color-mix(in oklab, var(--allowed) 16%, transparent)',
  },
  '.cm-collapsedLines': { background: 'var(--raised)', color: 'var(--ink-3)', padding: '4px 16px' },
});

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ink)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--ink)', fontWeight: '600' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--ink-3)' },
  { tag: tags.invalid, color: 'var(--denied)' },
]);

/** @param nonce for the style element that CodeMirror adds where constructed style sheets are missing */
export function editorLook(nonce: string | undefined): Extension {
  return [theme, syntaxHighlighting(highlight), nonce === undefined ? [] : EditorView.cspNonce.of(nonce)];
}
