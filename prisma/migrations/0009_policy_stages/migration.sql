-- Tests beside the documents, where a revision came from, and revisions that only some devices get first.

ALTER TABLE policy_revisions
  -- [{layer, team?, source}]: never part of what devices are sent
  ADD COLUMN tests jsonb NOT NULL DEFAULT '[]',
  -- {repository, commit} of what a program applied; null for what a person deployed
  ADD COLUMN source jsonb,
  -- who gets it before everybody does; null: everybody. A staged revision never becomes the running one:
  -- promoting it makes a new revision with its documents
  ADD COLUMN stage jsonb;

ALTER TABLE rollouts ADD COLUMN stage jsonb;

-- The link side reads both here: whom a staged bundle is for, and what everybody else keeps.
ALTER TABLE state_bundles
  ADD COLUMN stage jsonb,
  ADD COLUMN base_revision bigint,
  ADD CHECK ((stage IS NULL) = (base_revision IS NULL)),
  ADD CHECK (base_revision < revision);
