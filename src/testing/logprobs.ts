/** How likely the model found each token. */
import { toText } from './tokens.js';

export interface Logprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs?: { token: string; logprob: number; bytes: number[] }[];
}

/** As a real tiny model gave them for its greeting: token, its logprob, the runner-up and its logprob. */
const GREETING: [string, number, string, number][] = [
  ['Hi', -0.0003352166386321187, 'I', -9.957592010498047],
  ['!', -0.00016760587459430099, '\ufffd', -10.57393741607666],
  [' How', -0.0002481659466866404, ' can', -10.388786315917969],
  [' can', -0.00025953774456866086, ' today', -10.015673637390137],
  [' I', -0.00021771615138277411, ' today', -10.131013870239258],
  [' help', -0.00031750768539495766, ' am', -10.17469310760498],
  [' you', -0.00022150926815811545, ' I', -11.631772994995117],
  [' today', -0.0002846781280823052, ' I', -10.202043533325195],
  ['?', -0.00018079909204971045, ' help', -11.30380916595459],
];
const RUNNERS_UP = [
  ...['\n', ' I', ' the', ' a', ',', '.', ' and', ' to', ' of', ' in', ' it', '!', '?'],
  ...[' is', ' was', ' for', ' on', ' with', ' one', ' no', ' not'],
];

const entry = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] });

/** @param bytes of the token @param position in the answer @param top how many alternatives are wanted */
export function logprobOf(bytes: string, position: number, top: number): Logprob {
  const token = toText(bytes);
  const known = GREETING[position]?.[0] === token ? GREETING[position] : undefined;
  const first = entry(token, known?.[1] ?? -Math.fround((1 + (bytes.length % 7)) / 4096));
  if (top === 0) return first;
  const others = RUNNERS_UP.filter((other) => other !== token && other !== known?.[2]);
  const ranked = others.map((other, index) => entry(other, -(12 + index)));
  const alternatives = known ? [entry(known[2], known[3]), ...ranked] : ranked;
  return { ...first, top_logprobs: [first, ...alternatives].slice(0, top) };
}
