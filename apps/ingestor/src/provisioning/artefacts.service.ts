import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Artefact, ArtefactKind, CreateArtefact } from '@raypher/shared/rest';
import { AuditNotes } from '../audit/audit-notes.service.ts';
import type { Principal } from '../auth/principal.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TokenService } from '../enrollment/token.service.ts';
import { serverAddress } from '../fleet/server-address.ts';
import { InstallationAuthority } from '../keys/installation-authority.ts';
import type { ArtefactFacts, Draft } from './artefact-facts.ts';
import { cloudInit, intuneLinuxDetect, intuneLinuxInstall, shellScript } from './artefacts/linux.ts';
import { jamfProfile, jamfScript, kandjiAudit, kandjiInstall } from './artefacts/macos.ts';
import { intuneWindowsDetect, intuneWindowsInstall } from './artefacts/windows.ts';
import { PackagesService } from './packages.service.ts';
import { signProfile } from './sign-profile.ts';

/** Makes files that enrol devices with a token. They are answered and kept nowhere. */
@Injectable()
export class ArtefactsService {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly tokens: TokenService,
    private readonly installation: InstallationAuthority,
    private readonly packages: PackagesService,
    private readonly notes: AuditNotes,
  ) {}

  /** @throws RaypherError for a token that is not one of the caller's organisation, or cannot be used */
  async create(caller: Principal, { token, kind }: CreateArtefact): Promise<Artefact> {
    const row = await this.tokens.resolve(token);
    if (row.organisationId !== caller.organisation.id) {
      throw new RaypherError('enrolment/token-unknown', 'This enrolment token is not known here.', {
        hint: 'Copy the whole token again, or create a new one in the console.',
      });
    }
    this.tokens.assertUsable(row);
    const draft = await this.draft(kind, {
      server: serverAddress(this.config),
      // Its form was checked: letters, digits, dots, dashes and underscores.
      token: token.trim(),
      rootPem: this.installation.rootPem,
      organisation: caller.organisation.name,
      packages: this.packages.list(),
    });
    const content = Buffer.from(draft.content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    await this.notes.write(caller, {
      action: 'artefact.create',
      target: draft.filename,
      after: { kind, token: { id: row.id, name: row.name }, sha256 },
    });
    return { ...draft, kind, content: content.toString('base64'), sha256 };
  }

  private async draft(kind: ArtefactKind, facts: ArtefactFacts): Promise<Draft> {
    switch (kind) {
      case 'shell':
        return shellScript(facts);
      case 'cloud-init':
        return cloudInit(facts);
      case 'intune-linux-install':
        return intuneLinuxInstall(facts);
      case 'intune-linux-detect':
        return intuneLinuxDetect();
      case 'intune-windows-install':
        return intuneWindowsInstall(facts);
      case 'intune-windows-detect':
        return intuneWindowsDetect();
      case 'jamf-profile':
        return this.profile(facts);
      case 'jamf-script':
        return jamfScript(facts);
      case 'kandji-audit':
        return kandjiAudit();
      case 'kandji-install':
        return kandjiInstall(facts);
    }
  }

  private async profile(facts: ArtefactFacts): Promise<Draft> {
    return {
      filename: 'raypher.mobileconfig',
      mediaType: 'application/x-apple-aspen-config',
      content: await signProfile(this.installation.root, jamfProfile(facts)),
      steps: [
        'In Jamf Pro: Computers → Configuration Profiles → Upload; choose the file. Keep its signature.',
        'Scope it to the same computers as the script, which joins them: the profile holds no token, because every account of a machine can read it.',
        'macOS shows the signature as verified where the root certificate of this installation is trusted.',
      ],
      limitation:
        'The agent does not read managed preferences yet: the profile announces the server to people and inventory. It was not installed on macOS yet.',
    };
  }
}
