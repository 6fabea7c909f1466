'use client';

import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { Command, ShortId } from '@/components/copy.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatBytes } from '@/lib/format/format.ts';

const PLATFORMS = { linux: 'Linux', macos: 'macOS', windows: 'Windows' };

/** What devices can install from this control plane. */
export function PackagesSection() {
  const { data, error, refetch } = useQuery({ queryKey: keys.packages, queryFn: api.packages });
  return (
    <Section title="Packages served here">
      {error !== null && data === undefined ? (
        <ErrorState what="The packages could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={3} />
      ) : data.items.length === 0 ? (
        <EmptyState title="No package is served">
          <p>Devices cannot install Raypher from here yet. Build the packages and start again:</p>
          <Command text="npm run package" label="Copy the command" />
        </EmptyState>
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full min-w-[640px] text-left" aria-label="Packages">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-1.5 font-normal">File</th>
                <th className="px-2 py-1.5 font-normal">Platform</th>
                <th className="px-2 py-1.5 font-normal">Version</th>
                <th className="px-2 py-1.5 text-right font-normal">Size</th>
                <th className="px-2 py-1.5 font-normal">SHA-256</th>
                <th className="w-12 px-4 py-1.5">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((file) => (
                <tr key={file.filename} className="border-t">
                  <td className="px-4 py-2 font-mono text-xs">{file.filename}</td>
                  <td className="px-2 py-2">{`${PLATFORMS[file.platform]} · ${file.arch} · ${file.format}`}</td>
                  <td className="px-2 py-2">{file.version}</td>
                  <td className="px-2 py-2 text-right">{formatBytes(file.bytes)}</td>
                  <td className="px-2 py-2">
                    <ShortId id={file.sha256} label={`SHA-256 of ${file.filename}`} length={12} />
                  </td>
                  <td className="px-4 py-1 text-right">
                    <Button asChild size="icon" variant="ghost">
                      <a
                        href={`/v1/packages/${encodeURIComponent(file.filename)}`}
                        download={file.filename}
                        aria-label={`Download ${file.filename}`}
                      >
                        <Download />
                      </a>
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
