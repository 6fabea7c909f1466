import { applyEdits, type Edit } from '../edit.ts';
import type { Place } from '../part.ts';
import { type ByteTransform, EventStream } from '../stream/event-stream.ts';
import type { Finder } from '../stream/finder.ts';
import type { StreamFormat } from '../stream/framer.ts';
import { TextStream } from '../stream/text-stream.ts';
import { walkBody } from '../walk-body.ts';
import {
  findPlaceholders,
  LONGEST_PLACEHOLDER,
  openPlaceholder,
  type PlaceholderVault,
} from './placeholder.ts';

export interface RehydrateOptions {
  /** Placeholders of this scope; others stay as they are. */
  vault: Pick<PlaceholderVault, 'get'>;
  /** May keep data out of places, such as arguments of tools that send. Default: everywhere. */
  accepts?: (placeholder: string, place: Place) => boolean;
}

/** Puts data back into one text. */
export function rehydrateText(
  text: string,
  options: RehydrateOptions,
  place: Place = { path: '', role: 'message' },
): string {
  return applyEdits(text, rehydration(text, options, place));
}

function rehydration(text: string, { vault, accepts }: RehydrateOptions, place: Place): Edit[] {
  return findPlaceholders(text).flatMap(({ start, end, placeholder }) => {
    const value = vault.get(placeholder);
    return value === undefined || accepts?.(placeholder, place) === false
      ? []
      : [{ start, end, text: value }];
  });
}

/** Puts data back into a whole answer, with the escapes of the place it stands in. */
export function rehydrateBody(bytes: Uint8Array, contentType: string, options: RehydrateOptions): Uint8Array {
  return walkBody(
    bytes,
    contentType,
    { path: '', role: 'other' },
    {
      text: ({ text, ...place }) => rehydration(text, options, place),
      obstacle: () => {},
    },
  );
}

/** Puts data back into an answer while it streams; holds back what may be the beginning of a placeholder. */
export function createRehydrator(format: StreamFormat, options: RehydrateOptions): ByteTransform {
  const finder: Finder = {
    longest: LONGEST_PLACEHOLDER,
    context: 2 * LONGEST_PLACEHOLDER,
    openFrom: openPlaceholder,
    find: (text) =>
      findPlaceholders(text).map(({ start, end, placeholder }) => ({
        start,
        end,
        accept: (_value, place) =>
          options.accepts?.(placeholder, place) === false ? undefined : options.vault.get(placeholder),
      })),
    whole: (text, place) => rehydration(text, options, place),
  };
  return format === 'text' ? new TextStream(finder) : new EventStream(format, finder);
}
