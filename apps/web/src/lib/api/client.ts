import {
  AcknowledgedIncidents,
  type AcknowledgeIncidents,
  type AddTpmRoot,
  AgentPackage,
  AiAgentView,
  Alert,
  ApiToken,
  Approval,
  ApprovalSettings,
  ArchiveStatus,
  Artefact,
  AuditEntry,
  BlastRadius,
  type BlastRadiusQuery,
  Budgets,
  ChangedExportDestination,
  CheckedPolicy,
  CheckpointView,
  CommandView,
  ConsistencyProof,
  type CreateApiToken,
  type CreateArtefact,
  CreatedApiToken,
  CreatedEnrolmentToken,
  CreatedMember,
  type CreateEnrolmentToken,
  type CreateExportDestination,
  type CreateFreeze,
  type CreateMember,
  type CreateTeam,
  type CutConnection,
  type DecideApproval,
  type DecideDevice,
  type DeployPolicy,
  Device,
  DeviceDetail,
  EnrolmentToken,
  ErasedSamples,
  type EraseSamples,
  EventDetail,
  EventView,
  ExportDestination,
  ExportDestinations,
  ExportTestResult,
  ForensicKeySetting,
  Freeze,
  FreezeWithRollout,
  IdentitySettings,
  Incident,
  IncidentDetail,
  IncidentTrend,
  InclusionProof,
  LedgerAudit,
  LedgerEntries,
  LedgerEntryView,
  LedgerStatus,
  type LegalHoldReason,
  Me,
  Member,
  OrganisationPrices,
  Overview,
  type PolicyDocuments,
  PolicyRevision,
  PrivateRetention,
  type PromoteStage,
  type PushSecret,
  type PutForensicKey,
  type PutPrices,
  pageOf,
  RecordRetention,
  ReplayedPolicy,
  type ReplayPolicy,
  type RevokeDevice,
  type RevokeSecret,
  type RewindExport,
  type RollbackPolicy,
  Rollout,
  RolloutDevice,
  RunningPolicy,
  type SendCommand,
  Spend,
  SpendSeries,
  Team,
  type ThawFreeze,
  TpmRoot,
  type TriggerPanic,
  type TrustTpmRoot,
  type UpdateApprovalSettings,
  type UpdateDevice,
  UpdatedApprovalSettings,
  type UpdateExportDestination,
  type UpdateIdentitySettings,
  type UpdateIncident,
  type UpdateMember,
  type UpdateRecordRetention,
  type UpdateRetention,
  type WithdrawStage,
} from '@raypher/shared/rest';
import { z } from 'zod';
import { request } from './request.ts';

// Compiled parsers need `new Function`, which the content security policy refuses.
z.config({ jitless: true });

type Filter = Record<string, string | number | undefined>;
const Nothing = z.unknown();

/** Every call that the dashboard makes: method, path, answer. */
export const api = {
  me: () => request('GET', '/v1/me', Me),
  overview: () => request('GET', '/v1/overview', Overview),

  devices: (query: Filter) => request('GET', '/v1/devices', pageOf(Device), { query }),
  device: (id: string) => request('GET', `/v1/devices/${id}`, DeviceDetail),
  updateDevice: (id: string, body: UpdateDevice) => request('PATCH', `/v1/devices/${id}`, Nothing, { body }),
  revokeDevice: (id: string, body: RevokeDevice) =>
    request('POST', `/v1/devices/${id}/revoke`, Nothing, { body }),
  decideDevice: (id: string, decision: 'approve' | 'pause' | 'resume', body: DecideDevice) =>
    request('POST', `/v1/devices/${id}/${decision}`, Nothing, { body }),
  pushSecret: (id: string, body: PushSecret) =>
    request('POST', `/v1/devices/${id}/secrets`, CommandView, { body }),
  revokeSecret: (id: string, body: RevokeSecret) =>
    request('POST', `/v1/devices/${id}/secrets/revoke`, CommandView, { body }),
  commands: (id: string) => request('GET', `/v1/devices/${id}/commands`, pageOf(CommandView)),
  sendCommand: (id: string, body: SendCommand) =>
    request('POST', `/v1/devices/${id}/commands`, CommandView, { body }),

  cutConnection: (device: string, connection: string, body: CutConnection) =>
    request('POST', `/v1/devices/${device}/connections/${connection}/cut`, CommandView, { body }),

  panic: (device: string, body: TriggerPanic) =>
    request('POST', `/v1/devices/${device}/panic`, CommandView, { body }),

  agents: (query: Filter) => request('GET', '/v1/agents', pageOf(AiAgentView), { query }),

  runningPolicy: () => request('GET', '/v1/policies/running', RunningPolicy),
  revisions: (query: Filter = {}) =>
    request('GET', '/v1/policies/revisions', pageOf(PolicyRevision), { query }),
  revision: (revision: number) => request('GET', `/v1/policies/revisions/${revision}`, PolicyRevision),
  checkPolicy: (documents: PolicyDocuments) =>
    request('POST', '/v1/policies/check', CheckedPolicy, { body: { documents } }),
  deployPolicy: (body: DeployPolicy) => request('POST', '/v1/policies/deploy', Rollout, { body }),
  replayPolicy: (body: z.input<typeof ReplayPolicy>) =>
    request('POST', '/v1/policies/replay', ReplayedPolicy, { body }),
  promoteStage: (body: PromoteStage) => request('POST', '/v1/policies/stage/promote', Rollout, { body }),
  withdrawStage: (body: WithdrawStage) => request('POST', '/v1/policies/stage/withdraw', Rollout, { body }),
  rollbackPolicy: (body: RollbackPolicy) => request('POST', '/v1/policies/rollback', Rollout, { body }),

  blastRadius: (body: BlastRadiusQuery) => request('POST', '/v1/blast-radius', BlastRadius, { body }),
  rollouts: (query: Filter = {}) => request('GET', '/v1/rollouts', pageOf(Rollout), { query }),
  rollout: (id: string) => request('GET', `/v1/rollouts/${id}`, Rollout),
  rolloutDevices: (id: string, query: Filter) =>
    request('GET', `/v1/rollouts/${id}/devices`, pageOf(RolloutDevice), { query }),

  freezes: (query: Filter = {}) => request('GET', '/v1/freezes', pageOf(Freeze), { query }),
  createFreeze: (body: CreateFreeze) => request('POST', '/v1/freezes', FreezeWithRollout, { body }),
  thawFreeze: (id: string, body: ThawFreeze) =>
    request('POST', `/v1/freezes/${id}/thaw`, FreezeWithRollout, { body }),

  events: (query: Filter) => request('GET', '/v1/events', pageOf(EventView), { query }),
  event: (device: string, seq: number) => request('GET', `/v1/events/${device}/${seq}`, EventDetail),

  approvals: (query: Filter) => request('GET', '/v1/approvals', pageOf(Approval), { query }),
  approval: (id: string) => request('GET', `/v1/approvals/${id}`, Approval),
  decideApproval: (id: string, body: DecideApproval) =>
    request('POST', `/v1/approvals/${id}/decide`, Approval, { body }),
  approvalSettings: () => request('GET', '/v1/settings/approvals', ApprovalSettings),
  updateApprovalSettings: (body: UpdateApprovalSettings) =>
    request('PUT', '/v1/settings/approvals', UpdatedApprovalSettings, { body }),

  exportDestinations: () => request('GET', '/v1/export/destinations', ExportDestinations),
  createExport: (body: CreateExportDestination) =>
    request('POST', '/v1/export/destinations', ChangedExportDestination, { body }),
  updateExport: (id: string, body: UpdateExportDestination) =>
    request('PATCH', `/v1/export/destinations/${id}`, ChangedExportDestination, { body }),
  deleteExport: (id: string) => request('DELETE', `/v1/export/destinations/${id}`, Nothing),
  testExport: (id: string) =>
    request('POST', `/v1/export/destinations/${id}/test`, ExportTestResult, { body: {} }),
  rewindExport: (id: string, body: RewindExport) =>
    request('POST', `/v1/export/destinations/${id}/rewind`, ExportDestination, { body }),

  forensicKey: () => request('GET', '/v1/settings/forensics', ForensicKeySetting),
  putForensicKey: (body: PutForensicKey) =>
    request('PUT', '/v1/settings/forensics', ForensicKeySetting, { body }),

  alerts: (query: Filter = {}) => request('GET', '/v1/alerts', pageOf(Alert), { query }),
  resolveAlert: (id: string) => request('POST', `/v1/alerts/${id}/resolve`, Nothing, { body: {} }),
  incidents: (query: Filter) => request('GET', '/v1/incidents', pageOf(Incident), { query }),
  incident: (id: string) => request('GET', `/v1/incidents/${id}`, IncidentDetail),
  incidentTrend: (query: Filter) => request('GET', '/v1/incidents/trend', IncidentTrend, { query }),
  decideIncident: (id: string, body: UpdateIncident) =>
    request('POST', `/v1/incidents/${id}/status`, Incident, { body }),
  acknowledgeIncidents: (body: AcknowledgeIncidents) =>
    request('POST', '/v1/incidents/acknowledge', AcknowledgedIncidents, { body }),
  eraseSamples: (id: string, body: EraseSamples) =>
    request('POST', `/v1/incidents/${id}/erase`, ErasedSamples, { body }),
  retention: () => request('GET', '/v1/settings/retention', PrivateRetention),
  updateRetention: (body: UpdateRetention) =>
    request('PUT', '/v1/settings/retention', PrivateRetention, { body }),
  recordRetention: () => request('GET', '/v1/settings/record-retention', RecordRetention),
  updateRecordRetention: (body: UpdateRecordRetention) =>
    request('PUT', '/v1/settings/record-retention', RecordRetention, { body }),
  placeLegalHold: (body: LegalHoldReason) =>
    request('POST', '/v1/settings/legal-holds', RecordRetention, { body }),
  liftLegalHold: (id: string, body: LegalHoldReason) =>
    request('POST', `/v1/settings/legal-holds/${id}/lift`, RecordRetention, { body }),
  archive: () => request('GET', '/v1/ledger/archive', ArchiveStatus),
  spend: (query: Filter) => request('GET', '/v1/spend', Spend, { query }),
  spendSeries: (query: Filter) => request('GET', '/v1/spend/series', SpendSeries, { query }),
  budgets: () => request('GET', '/v1/budgets', Budgets),
  prices: () => request('GET', '/v1/prices', OrganisationPrices),
  putPrices: (body: PutPrices) => request('PUT', '/v1/prices', OrganisationPrices, { body }),
  audit: (query: Filter) => request('GET', '/v1/audit', pageOf(AuditEntry), { query }),

  ledger: () => request('GET', '/v1/ledger', LedgerStatus),
  ledgerEntries: (query: Filter) => request('GET', '/v1/ledger/entries', LedgerEntries, { query }),
  ledgerEntry: (index: number) => request('GET', `/v1/ledger/entries/${index}`, LedgerEntryView),
  ledgerProof: (index: number) => request('GET', '/v1/ledger/proof', InclusionProof, { query: { index } }),
  ledgerConsistency: (from: number, to: number) =>
    request('GET', '/v1/ledger/consistency', ConsistencyProof, { query: { from, to } }),
  ledgerCheckpoints: (query: Filter) =>
    request('GET', '/v1/ledger/checkpoints', pageOf(CheckpointView), { query }),
  auditLedger: () => request('POST', '/v1/ledger/audit', LedgerAudit, { body: {} }),

  enrolmentTokens: () => request('GET', '/v1/enrolment-tokens', pageOf(EnrolmentToken)),
  createEnrolmentToken: (body: CreateEnrolmentToken) =>
    request('POST', '/v1/enrolment-tokens', CreatedEnrolmentToken, { body }),
  createArtefact: (body: CreateArtefact) =>
    request('POST', '/v1/enrolment-tokens/artefacts', Artefact, { body }),
  packages: () => request('GET', '/v1/packages', pageOf(AgentPackage)),
  revokeEnrolmentToken: (id: string) => request('DELETE', `/v1/enrolment-tokens/${id}`, Nothing),

  identitySettings: () => request('GET', '/v1/settings/identity', IdentitySettings),
  updateIdentitySettings: (body: UpdateIdentitySettings) =>
    request('PUT', '/v1/settings/identity', IdentitySettings, { body }),
  tpmRoots: () => request('GET', '/v1/settings/tpm-roots', pageOf(TpmRoot)),
  addTpmRoot: (body: AddTpmRoot) => request('POST', '/v1/settings/tpm-roots', Nothing, { body }),
  trustTpmRoot: (fingerprint: string, body: TrustTpmRoot) =>
    request('PATCH', `/v1/settings/tpm-roots/${fingerprint}`, Nothing, { body }),

  teams: () => request('GET', '/v1/teams', pageOf(Team)),
  createTeam: (body: CreateTeam) => request('POST', '/v1/teams', Team, { body }),
  members: () => request('GET', '/v1/members', pageOf(Member)),
  createMember: (body: CreateMember) => request('POST', '/v1/members', CreatedMember, { body }),
  updateMember: (id: string, body: UpdateMember) => request('PATCH', `/v1/members/${id}`, Nothing, { body }),
  apiTokens: () => request('GET', '/v1/api-tokens', pageOf(ApiToken)),
  createApiToken: (body: CreateApiToken) => request('POST', '/v1/api-tokens', CreatedApiToken, { body }),
  revokeApiToken: (id: string) => request('DELETE', `/v1/api-tokens/${id}`, Nothing),
};
