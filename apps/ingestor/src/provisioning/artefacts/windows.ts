import type { ArtefactFacts, Draft } from '../artefact-facts.ts';
import { powershellString } from '../quoting.ts';

const NO_PACKAGE =
  'There is no Windows package of the agent here; the script says so and ends with exit code 11. It was not run on Windows yet.';

export function intuneWindowsInstall(facts: ArtefactFacts): Draft {
  const msi = facts.packages.find(({ format, arch }) => format === 'msi' && arch === 'x64');
  const quoted = (text: string | undefined) => (text === undefined ? '$null' : powershellString(text));
  return {
    filename: 'raypher-intune-install.ps1',
    mediaType: 'text/plain; charset=utf-8',
    // The mark at the start makes Windows PowerShell 5 read it as UTF-8.
    content: `\ufeff# Installs the Raypher agent and joins an organisation. It holds an enrolment token: treat it as a password.
# Running it again changes nothing.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$server = ${powershellString(facts.server)}
$filename = ${quoted(msi?.filename)}
$sha256 = ${quoted(msi?.sha256)}
if ($null -eq $filename) {
  [Console]::Error.WriteLine('raypher: This control plane has no package for Windows.')
  exit 11
}
$work = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid().ToString())
New-Item -ItemType Directory -Path $work | Out-Null
try {
  # SYSTEM and administrators, by their numbers because their names are translated; nobody else, nothing inherited.
  & icacls.exe $work /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
  if ($LASTEXITCODE -ne 0) { throw 'The folder for the token could not be made private.' }
  $root = Join-Path $work 'root.pem'
  $tokenFile = Join-Path $work 'token'
  $package = Join-Path $work $filename
  [IO.File]::WriteAllText($root, (@(
${facts.rootPem
  .trim()
  .split('\n')
  .map((line) => `    ${powershellString(line)}`)
  .join(',\n')}
  ) -join "\`n") + "\`n")
  [IO.File]::WriteAllText($tokenFile, ${powershellString(facts.token)})
  [Console]::Error.WriteLine(${powershellString(`raypher: Joining ${facts.organisation}`)})
  & curl.exe -q --fail --silent --show-error --proto '=https' --ssl-no-revoke --connect-timeout 20 --retry 3 --cacert $root --output $package "$server/v1/packages/$filename"
  if ($LASTEXITCODE -ne 0) { throw 'The package could not be downloaded.' }
  if ((Get-FileHash -Algorithm SHA256 -LiteralPath $package).Hash -ne $sha256) {
    throw 'The package is not the one that was announced; it was not installed.'
  }
  $installer = Start-Process -FilePath 'msiexec.exe' -ArgumentList '/i', "\`"$package\`"", '/qn', '/norestart' -Wait -PassThru
  if ($installer.ExitCode -notin 0, 3010) { throw "The package could not be installed: $($installer.ExitCode)." }
  & (Join-Path $env:ProgramFiles 'Raypher\\raypher.exe') setup --silent --server $server --token-file $tokenFile
  exit $LASTEXITCODE
} catch {
  [Console]::Error.WriteLine("raypher: $($_.Exception.Message)")
  exit 1
} finally {
  Remove-Item -Recurse -Force -LiteralPath $work
}
`,
    steps: [
      'Put the file into a folder and make an .intunewin of it with the Microsoft Win32 Content Prep Tool.',
      'In the Intune admin centre: Apps → Windows → Add → Windows app (Win32). Install behaviour: System. Install command: powershell.exe -NoProfile -ExecutionPolicy Bypass -File raypher-intune-install.ps1',
      'Detection rules: Use a custom detection script, and upload the one offered beside this file.',
    ],
    limitation: msi === undefined ? NO_PACKAGE : 'The script was not run on Windows yet.',
  };
}

/** Detected is what ends with 0 and says something on standard output. */
export function intuneWindowsDetect(): Draft {
  return {
    filename: 'raypher-intune-detect.ps1',
    mediaType: 'text/plain; charset=utf-8',
    content: `# Says whether the Raypher agent runs. Holds nothing secret and changes nothing.
$service = Get-Service -Name 'raypher' -ErrorAction SilentlyContinue
if ($null -ne $service -and $service.Status -eq 'Running') {
  Write-Output 'The Raypher agent runs.'
  exit 0
}
exit 1
`,
    steps: [
      'In the Intune admin centre, in the Win32 app: Detection rules → Use a custom detection script → upload the file. Run script as 32-bit process: No. Enforce script signature check: No.',
    ],
    limitation: 'The script was not run on Windows yet.',
  };
}
