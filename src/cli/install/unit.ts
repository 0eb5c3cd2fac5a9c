/** The systemd unit: the server as a user of its own that can write its state and its logs, and nothing else. */

export interface UnitOptions {
  /** Absolute paths. */
  node: string;
  script: string;
}

export const USER = 'parallama';
export const CONFIG = '/etc/parallama/config.yaml';
export const UNIT = '/etc/systemd/system/parallama.service';
export const STATE = '/var/lib/parallama';
export const LOGS = '/var/log/parallama';

/** As a package installs them. */
export const USUAL: UnitOptions = {
  node: '/usr/bin/node',
  script: '/usr/lib/node_modules/parallama/bin/parallama-cli.cjs',
};

/** `MemoryDenyWriteExecute` is left out: V8 compiles at run time. */
export function unit({ node, script }: UnitOptions): string {
  return `[Unit]
Description=Parallama: accounts, keys, quotas and metering in front of Ollama
After=network-online.target ollama.service
Wants=network-online.target

[Service]
Type=exec
User=${USER}
Group=${USER}
WorkingDirectory=${STATE}
# Few heaps for malloc: each keeps 20 MB of a password's hash.
Environment=MALLOC_ARENA_MAX=2
# A smaller young generation than V8's own: less memory with many open streams, and no slower.
ExecStart=${node} --max-semi-space-size=16 ${script} serve --config ${CONFIG}
# Opens the logs again.
ExecReload=/bin/kill -HUP $MAINPID
# The main process tells its workers; running answers may end, for server.shutdown_timeout seconds.
KillMode=mixed
TimeoutStopSec=45
Restart=on-failure
RestartSec=2

StateDirectory=parallama
# For server.host: unix:/run/parallama/parallama.sock
RuntimeDirectory=parallama
RuntimeDirectoryMode=0750
StateDirectoryMode=0750
LogsDirectory=parallama
LogsDirectoryMode=0750
UMask=0027

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}
