import type { LayeredDocument, PolicyLayer } from './layer.ts';
import type { DATA_CLASSES } from './schema-dlp.ts';

interface DlpDetectorBase {
  /** The layer and the id in its document, as in `global/condor`: no layer can take another's. */
  readonly id: string;
  readonly layer: PolicyLayer;
  /** What findings are said to be of; rules name it under `classes`. */
  readonly category: (typeof DATA_CLASSES)[number];
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
}

/** A detector that a document brings, in the shape of the scanner's custom rules. */
export type DlpDetector =
  | (DlpDetectorBase & {
      readonly kind: 'pattern';
      /** RE2 syntax. */
      readonly pattern: string;
      readonly ignoreCase?: boolean;
      /** One of them has to stand near. */
      readonly keywords?: readonly string[];
    })
  | (DlpDetectorBase & { readonly kind: 'dictionary'; readonly phrases: readonly string[] })
  | (DlpDetectorBase & {
      readonly kind: 'fingerprint';
      readonly shingles: readonly number[];
      readonly least?: number;
    });

/** What the policy tells the scanner, of all layers together. */
export interface DlpSettings {
  /** Highest layer first, in the order of the documents. */
  readonly detectors: readonly DlpDetector[];
  /**
   * Whether placeholders are kept in a form from which the device can bring the data back into an answer: when a
   * layer in enforce mode says so and none of them says otherwise.
   */
  readonly reversible: boolean;
  /** Whether addresses of machines, links and dates are looked for, which stand in every log. */
  readonly identifiers: boolean;
  /** Whether addresses that were published on purpose (of roles, lists, authors) are found too. */
  readonly publishedAddresses: boolean;
}

/** @param layers highest first */
export function compileDlpSettings(layers: readonly LayeredDocument[]): DlpSettings {
  const said = layers
    .filter(({ document }) => document.mode === 'enforce')
    .map(({ document }) => document.dlp?.reversible);
  // What a layer looks for that only watches must give the others nothing to act on; where all only watch, it is seen.
  const enforcing = layers.filter(({ document }) => document.mode === 'enforce');
  const asking = (enforcing.length > 0 ? enforcing : layers).map(({ document }) => document.dlp);
  return Object.freeze({
    detectors: Object.freeze(layers.flatMap(detectorsOf)),
    reversible: said.includes(true) && !said.includes(false),
    identifiers: asking.some((dlp) => dlp?.identifiers === true),
    publishedAddresses: asking.some((dlp) => dlp?.published_addresses === 'find'),
  });
}

function detectorsOf({ layer, document }: LayeredDocument): DlpDetector[] {
  const { patterns = [], dictionaries = [], fingerprints = [] } = document.dlp ?? {};
  const base = (one: { id: string; class: DlpDetector['category']; severity: DlpDetector['severity'] }) => ({
    id: ownDetectorId(layer, one.id),
    layer,
    category: one.class,
    severity: one.severity,
  });
  return [
    ...patterns.map(
      (one): DlpDetector => ({
        ...base(one),
        kind: 'pattern',
        pattern: one.pattern,
        ...(one.ignore_case === undefined ? {} : { ignoreCase: one.ignore_case }),
        ...(one.keywords === undefined ? {} : { keywords: one.keywords }),
      }),
    ),
    ...dictionaries.map((one): DlpDetector => ({ ...base(one), kind: 'dictionary', phrases: one.terms })),
    ...fingerprints.map(
      (one): DlpDetector => ({
        ...base(one),
        kind: 'fingerprint',
        shingles: one.shingles,
        ...(one.least === undefined ? {} : { least: one.least }),
      }),
    ),
  ].map((one) => Object.freeze(one));
}

/** No detector that is built in has a slash in its name. */
export function ownDetectorId(layer: PolicyLayer, id: string): string {
  return `${layer}/${id}`;
}

/** Names of detectors as a document writes them, with the whole ids of its own beside them. */
export function withOwnDetectors(
  { layer, document }: LayeredDocument,
  detectors: readonly string[] | undefined,
): readonly string[] | undefined {
  const { patterns = [], dictionaries = [], fingerprints = [] } = document.dlp ?? {};
  const own = new Set([...patterns, ...dictionaries, ...fingerprints].map(({ id }) => id));
  return detectors?.flatMap((name) => (own.has(name) ? [name, ownDetectorId(layer, name)] : [name]));
}
