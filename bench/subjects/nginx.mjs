/** nginx as a reverse proxy with one worker, which keeps its connections to the upstream. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory } from '../directories.mjs';
import { startForeign } from '../processes/start.mjs';
import { findProgram, freePort } from '../services.mjs';

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export async function startNginx({ upstream }) {
  const binary = await findProgram({ name: 'nginx', debianPackage: 'nginx-light' });
  const directory = newDirectory();
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  client_max_body_size 0;
  client_body_buffer_size 4m;
  keepalive_requests 1000000000;
  upstream ollama {
    server ${new URL(upstream.url).host};
    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://ollama;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_buffering off;
    }
  }
}
`,
  );
  return startForeign(binary, ['-c', file, '-p', directory, '-e', 'stderr'], {
    url: `http://127.0.0.1:${port}`,
  });
}
