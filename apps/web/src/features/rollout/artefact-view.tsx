'use client';

import type { Artefact, ArtefactKind } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Download, Info } from 'lucide-react';
import { useMemo } from 'react';
import { CopyButton, ShortId } from '@/components/copy.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Textarea } from '@/components/ui/input.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatBytes } from '@/lib/format/format.ts';
import { hideToken, readArtefact } from './artefact-text.ts';
import { download } from './download.ts';

interface ArtefactViewProps {
  kind: ArtefactKind;
  tokenId: string;
  token: string;
  revealed: boolean;
}

/** One file: what is missing for it to work, where it goes, and what is in it. */
export function ArtefactView({ kind, tokenId, token, revealed }: ArtefactViewProps) {
  const { data, error, refetch } = useQuery({
    queryKey: keys.artefact(tokenId, kind),
    queryFn: () => api.createArtefact({ token, kind }),
    staleTime: Number.POSITIVE_INFINITY,
    // The file holds the token: it leaves the memory together with this view.
    gcTime: 0,
  });
  if (error !== null && data === undefined)
    return <ErrorState what="The file could not be made." error={error} retry={() => void refetch()} />;
  if (data === undefined) return <SkeletonRows rows={8} />;
  return <LoadedArtefact artefact={data} token={token} revealed={revealed} />;
}

interface LoadedArtefactProps {
  artefact: Artefact;
  token: string;
  revealed: boolean;
}

function LoadedArtefact({ artefact, token, revealed }: LoadedArtefactProps) {
  const { bytes, text, signed } = useMemo(() => readArtefact(artefact.content), [artefact.content]);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      {artefact.limitation !== null && (
        <p role="note" className="flex items-start gap-2 rounded-md bg-prompted-soft px-3 py-2">
          <Info aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-prompted" />
          <span>
            <span className="font-medium">Not complete yet. </span>
            {artefact.limitation}
          </span>
        </p>
      )}
      <ol aria-label="Steps" className="grid list-decimal gap-1 pl-5 text-ink-2">
        {artefact.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <section
        aria-label={artefact.filename}
        className="overflow-hidden rounded-lg border border-line-strong"
      >
        <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b bg-raised px-3 py-1.5">
          <span className="font-mono text-xs">{artefact.filename}</span>
          <span className="text-xs text-ink-3">{formatBytes(bytes.length)}</span>
          <span className="flex items-center gap-1 text-xs text-ink-3">
            SHA-256 <ShortId id={artefact.sha256} label="SHA-256 of the file" length={12} />
          </span>
          <span className="ml-auto flex items-center gap-1">
            {text !== null && !signed && <CopyButton text={text} label={`Copy ${artefact.filename}`} />}
            <Button
              size="sm"
              aria-label={`Download ${artefact.filename}`}
              onClick={() => download(artefact.filename, artefact.mediaType, bytes)}
            >
              <Download /> Download
            </Button>
          </span>
        </header>
        {text === null ? (
          <p className="px-3 py-3 text-ink-2">This file is not text: download it.</p>
        ) : (
          <>
            {signed && (
              <p className="border-b px-3 py-1.5 text-xs text-ink-2">
                Signed by this control plane. Shown is the list inside the signature; download the whole.
              </p>
            )}
            <Textarea
              readOnly
              rows={12}
              wrap="off"
              spellCheck={false}
              aria-label={`Content of ${artefact.filename}`}
              className="block resize-y rounded-none border-0 bg-canvas px-3 font-mono text-xs leading-5"
              value={revealed ? text : hideToken(text, token)}
            />
          </>
        )}
      </section>
    </div>
  );
}
