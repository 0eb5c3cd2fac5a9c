/** prom-client's own metrics of a process, one by one; its types have them as a whole only. */
declare module 'prom-client/lib/metrics/*.js' {
  import type { Registry } from 'prom-client';

  const collect: (registry: Registry, config?: object) => void;
  export default collect;
}
