# Not exercised yet: the agent has no package, discovery or enforcement for Windows, and its executable does not speak to
# the service control manager. This is the definition of the service that it will be.
$ErrorActionPreference = 'Stop'
$program = Join-Path $env:ProgramFiles 'Raypher\raypher.exe'
$data = Join-Path $env:ProgramData 'Raypher'

New-Service -Name 'Raypher' `
  -DisplayName 'Raypher edge agent' `
  -Description 'Makes autonomous AI agents safe to run on this machine.' `
  -BinaryPathName "`"$program`" service --data-dir `"$data`"" `
  -StartupType Automatic

# Started again after one second, every time; the count of failures is forgotten after a day.
sc.exe failure Raypher reset= 86400 actions= restart/1000/restart/1000/restart/1000
sc.exe failureflag Raypher 1
# The rights that the service account keeps.
sc.exe privs Raypher SeDebugPrivilege/SeChangeNotifyPrivilege
