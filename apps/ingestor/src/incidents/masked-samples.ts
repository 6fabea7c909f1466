import { type MaskedSample } from '@raypher/shared/rest';
import { z } from 'zod';
import { plainText } from '../ingest/plain-text.ts';

const texts = z.array(z.string()).catch([]);
const FoundPrivate = z.object({ samples: texts, detectors: texts }).catch({ samples: [], detectors: [] });

/** What a masked sample can be at most: four characters, an ellipsis, four characters. */
const MOST_SHOWN = 9;
const MOST_SAMPLES = 32;

/**
 * The samples in the private part of a `dlp.found` entry. A device writes there what it likes; longer than a masked
 * sample is nothing that we show.
 */
export function maskedSamples(content: Uint8Array): MaskedSample[] {
  const { samples, detectors } = FoundPrivate.parse(jsonOf(content));
  return samples.slice(0, MOST_SAMPLES).map((sample, index) => {
    const shown = [...plainText(sample, 64)];
    return {
      detector: plainText(detectors[index] ?? '', 64),
      sample: shown.length > MOST_SHOWN ? '…' : shown.join(''),
    };
  });
}

function jsonOf(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    return undefined;
  }
}
