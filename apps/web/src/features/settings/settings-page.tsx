'use client';

import { PageHeader } from '@/components/page-header.tsx';
import { Tabs } from '@/components/ui/tabs.tsx';
import { useMe } from '@/lib/me/me-provider.tsx';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { ApiTokensTab } from './api-tokens-tab.tsx';
import { ApprovalsTab } from './approvals-tab.tsx';
import { ExportTab } from './export/export-tab.tsx';
import { ForensicsTab } from './forensics-tab.tsx';
import { IdentityTab } from './identity/identity-tab.tsx';
import { MembersTab } from './members-tab.tsx';
import { RetentionTab } from './retention/retention-tab.tsx';
import { TeamsTab } from './teams-tab.tsx';

const TABS = [
  { value: 'members', label: 'Members', needs: 'members:read' },
  { value: 'teams', label: 'Teams', needs: 'teams:read' },
  { value: 'identity', label: 'Identity', needs: 'settings:read' },
  { value: 'forensics', label: 'Forensics', needs: 'settings:read' },
  { value: 'retention', label: 'Retention', needs: 'settings:read' },
  { value: 'approvals', label: 'Approvals', needs: 'settings:read' },
  { value: 'export', label: 'Export', needs: 'settings:read' },
  { value: 'api-tokens', label: 'API tokens', needs: 'api-tokens:manage' },
] as const;

export function SettingsPage() {
  const url = useUrlState();
  const me = useMe();
  const tabs = TABS.filter((tab) => me.permissions.includes(tab.needs));
  const tab =
    oneOf(
      url.get('tab'),
      tabs.map(({ value }) => value),
    ) ?? tabs[0]?.value;
  return (
    <>
      <PageHeader
        title="Settings"
        description={`People, teams, identity, exports and tokens of ${me.organisation.name}.`}
      />
      {tab !== undefined && (
        <div className="px-4 pb-8 lg:px-6">
          <Tabs label="Settings" value={tab} onChange={(next) => url.set({ tab: next })} tabs={tabs}>
            <div className="pt-4">
              {tab === 'members' && <MembersTab />}
              {tab === 'teams' && <TeamsTab />}
              {tab === 'identity' && <IdentityTab />}
              {tab === 'forensics' && <ForensicsTab />}
              {tab === 'retention' && <RetentionTab />}
              {tab === 'approvals' && <ApprovalsTab />}
              {tab === 'export' && <ExportTab />}
              {tab === 'api-tokens' && <ApiTokensTab />}
            </div>
          </Tabs>
        </div>
      )}
    </>
  );
}
