import { LOGS, STATE } from './unit.js';

export const SECRET = '/etc/parallama/jwt_secret';

/** What a new installation begins with: on this machine only, and closed. */
export const FIRST_CONFIG = `# Parallama. Check it with \`parallama-cli config check\`; docs/configuration.md has every key.
server:
  # 0.0.0.0 for every address of the machine; with HTTPS, put a proxy in front and leave this.
  host: 127.0.0.1
  port: 8000
  # One process for each core.
  workers: 1

store:
  # Or redis://HOST, or postgres://USER@HOST/DATABASE; their password belongs into /etc/parallama/db_password.
  url: "sqlite:${STATE}/parallama.db"

auth:
  # open, closed, or invite with a list of invitations.
  registration: closed
  jwt_secret_file: ${SECRET}

logging:
  directory: ${LOGS}

api_gateways:
  enabled: [ollama, openai]
  ollama:
    host: http://localhost
    port: 11434
  openai:
    model_mappings: {}
`;
