import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';

export interface PostureJson {
  capability: string;
  state: 'enforced' | 'observing' | 'unavailable';
  reason: string;
  /** ISO, UTC. */
  provenAt: string | null;
}

/** What a device last said about itself; null leaves what is stored. */
export interface DeviceFacts {
  deviceId: string;
  lastSeenAt: Date;
  hello: { hostname: string; os: string; kernel: string; arch: string; agentVersion: string } | null;
  posture: PostureJson[] | null;
}

@Injectable()
export class DeviceFactsRepository {
  constructor(private readonly database: IngestDatabase) {}

  async update(facts: readonly DeviceFacts[]): Promise<void> {
    // One order of rows everywhere, so that bulk updates of devices never wait for each other in a circle.
    const sorted = facts.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
    await this.database.query(
      `WITH locked AS (SELECT id FROM devices WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
       UPDATE devices d SET
              last_seen_at = GREATEST(d.last_seen_at, n.last_seen_at),
              hostname = COALESCE(n.hostname, d.hostname), os = COALESCE(n.os, d.os),
              kernel = COALESCE(n.kernel, d.kernel), arch = COALESCE(n.arch, d.arch),
              agent_version = COALESCE(n.agent_version, d.agent_version),
              posture = COALESCE(n.posture, d.posture)
         FROM UNNEST($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
              AS n (id, last_seen_at, hostname, os, kernel, arch, agent_version, posture)
         JOIN locked USING (id)
        WHERE d.id = n.id`,
      [
        sorted.map((fact) => fact.deviceId),
        sorted.map((fact) => fact.lastSeenAt),
        sorted.map((fact) => fact.hello?.hostname ?? null),
        sorted.map((fact) => fact.hello?.os ?? null),
        sorted.map((fact) => fact.hello?.kernel ?? null),
        sorted.map((fact) => fact.hello?.arch ?? null),
        sorted.map((fact) => fact.hello?.agentVersion ?? null),
        sorted.map((fact) => (fact.posture === null ? null : JSON.stringify(fact.posture))),
      ],
    );
  }
}
