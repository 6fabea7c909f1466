-- A device may report ever new AI agents. The link forgets the oldest of those that are gone; the events about
-- them stay in the record.
GRANT DELETE ON ai_agents TO raypher_ingest;
