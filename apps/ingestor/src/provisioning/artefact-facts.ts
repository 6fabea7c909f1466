import type { AgentPackage, Artefact } from '@raypher/shared/rest';

/** What goes into a file that makes a machine a device. */
export interface ArtefactFacts {
  /** https://HOST:PORT */
  server: string;
  token: string;
  /** The installation's root certificate. */
  rootPem: string;
  /** Name of the organisation: somebody typed it. */
  organisation: string;
  packages: readonly AgentPackage[];
}

/** A file without its digest. */
export interface Draft extends Pick<Artefact, 'filename' | 'mediaType' | 'steps' | 'limitation'> {
  content: string | Buffer;
}
