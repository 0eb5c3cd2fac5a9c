/** What a Redis server says about itself. */

export interface ServerInfo {
  /** Each node of a cluster has its own clock. */
  clustered: boolean;
  /** What people should know about its guarantees. */
  notice?: string;
}

/** @param info the reply to INFO; undefined where the server does not give it */
export function serverInfo(info: string | undefined): ServerInfo {
  if (info === undefined) {
    return {
      clustered: false,
      notice:
        'Redis does not say how it is set up (INFO is refused). ' +
        'Quotas hold only where its maxmemory-policy is noeviction.',
    };
  }
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  return { clustered: field('cluster_enabled') === '1', notice: noticeOf(field) };
}

function noticeOf(field: (name: string) => string | undefined): string | undefined {
  const notices: string[] = [];
  const policy = field('maxmemory_policy');
  if (policy !== 'noeviction') {
    notices.push(
      `Redis may drop what it counts when its memory is full: its maxmemory-policy is ${policy ?? 'unknown'}. ` +
        'Set it to noeviction.',
    );
  }
  if (field('aof_enabled') === '0') {
    notices.push(
      'Redis keeps no log on disk (appendonly is off): after a crash it goes back to its last snapshot.',
    );
  }
  return notices.length === 0 ? undefined : notices.join(' ');
}
