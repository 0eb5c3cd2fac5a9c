import { cpuNote, inTurn, ratio } from '../measure.mjs';
import { refusedKey, refusedQuota } from '../work/refused.mjs';
import { shortChat } from '../work/short-chat.mjs';

export default {
  name: 'target-refused',
  async measure(context) {
    const subject = await context.cast.get('sqlite');
    const [served, ...refused] = await inTurn(
      [shortChat, refusedQuota, refusedKey].map((work) => ({ work, subject })),
      context,
    );
    return [refusedQuota, refusedKey].map(({ status }, i) => ({
      what: `Requests/s: refused with ${status} ÷ short chats served`,
      note: cpuNote(refused[i], served),
      measured: ratio(refused[i], served, 'rate'),
      unit: '×',
      atLeast: 3,
    }));
  },
};
