import { changeInWords, diffPolicies, type LayeredDocument, parsePolicy } from '@raypher/policy';
import type { AppliedPolicy, PolicyDocuments } from '@raypher/shared/rest';

/** What changes from one set of documents to another, in words, document by document. */
export function changesInWords(before: PolicyDocuments, after: PolicyDocuments): AppliedPolicy['changes'] {
  const owners = new Map([...before, ...after].map(({ layer, team }) => [team ?? layer, { layer, team }]));
  return [...owners.values()].flatMap(({ layer, team }) => {
    const [from, to] = [before, after].map((documents) =>
      read(documents.find((one) => one.layer === layer && one.team === team)),
    );
    const whose = { layer, ...(team === undefined ? {} : { team }) };
    return diffPolicies(from ?? [], to ?? []).map((change) => ({ ...whose, words: changeInWords(change) }));
  });
}

function read(document: PolicyDocuments[number] | undefined): LayeredDocument[] {
  if (document === undefined) return [];
  const { layer, source } = document;
  const parsed = parsePolicy(source, { layer });
  return parsed.ok ? [{ layer, document: parsed.document }] : [];
}
