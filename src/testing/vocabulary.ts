/**
 * The vocabulary of the tiny models: 256 bytes and 446 merges in GPT-2's byte-level spelling (`Ġ` is a
 * space, `Ċ` a line feed). All simulated models count and cut text with it.
 */

export const SPECIAL = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
];
export const END_OF_TEXT = 0;
export const IM_END = 2;

/** Unused ids fill the table up to this. */
export const SIZE = 768;

/**
 * GPT-2's letter for each byte: printable bytes stand for themselves, the others are moved behind U+0100.
 */
function letters(): string[] {
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    if (printable) return String.fromCodePoint(byte);
    moved += 1;
    return String.fromCodePoint(255 + moved);
  });
}

export const LETTERS = letters();

/** In order of rank; the halves are parted by a dot. */
export const MERGES: [string, string][] = `
e·r t·h Ġ·a i·s i·n Ġ·th Ċ·Ċ m·e a·n l·l Ġ·s Ġth·e o·o e·a u·s Ġ·" Ġ·w Ġ·c Ġ·o a·s "·: t·e Ġ·t th·er
Ġa·n an·t oo·l s·is t·ant us·er sis·tant as·sistant ea·ther a·r a·ll e·t Ġ·b i·t Ġ·h Ġ·in W·h e·s
a·t t·ool Ġ·m Ġ·is g·et o·u Ġan·d c·all o·n v·er {·" Ġ·2 Ġ·T o·r w·eather e·ll n·e Ġ·1 Ġ·4 "·, <·/
a·me y·s Ġ·3 Ġ·p Ġ·5 Ġ·f Ġc·o Ġt·o l·e n·t Ġ·l Wh·at h·e s·ys â·Ģ Ġ·e Ġo·f Ġo·n te·m sys·tem P·ar
a·y i·me n·ame r·o Ġw·eather Par·is a·d c·it e·d g·h g·u s·w u·r }·} Ġ·I Ġ·d Ġ·g Ġ·n Ġ·it in·g ĊĊ·Ċ
me·nt Ġs·m oo·k Ġan·sw ool·s ar·gu ĠT·ools ell·o cit·y ment·s Ġansw·er argu·ments H·ello c·e i·r q·u
ð·Ł Ġ·Ġ Ġ·Wh Ġ·{" Ġs·t Ġs·er Ġt·ime "·}} a·in a·te c·h i·th i·on l·d Ġ·6 Ġ·ne Ġ·qu in·e in·k Ġw·ith
Ġb·ook Ġh·ad ver·y ĠT·he Ġn·o Ġsm·all Ġser·ver c·k d·e e·p i·le i·gh k·e l·y m·p n·d o·p o·w o·me
o·us r·i r·an t·ion w·o Ġ·y Ġ·me Ġ·âĢ Ġ·Paris Ġa·t ea·ch Ġw·a Ġo·ur Ġt·wo ro·m I·t R·ome _·_ \`·\` e·l
e·op g·er l·o l·u p·on t·er u·m u·n à·¤ Ġ·u Ġ·ke Ġ·each į·ðŁ th·ink Ġs·c Ġthe·m Ġw·as Ġc·ell Ġc·ame
Ġo·ne Ġb·u Ġb·lu Ġh·el es·tion Ġm·or Ġ4·2 Ġp·eop Ġco·mp âĢ·įðŁ Ġg·ate ĠWh·o Ġst·ran Ġtime·s
Ġqu·estion ep·er igh·t Ġy·ou Ġke·eper Ġcell·ar Ġblu·e Ġhel·p Ġpeop·le Ġstran·ger Ġquestion·s 0·0 H·i
H·ow T·he a·b a·l d·ay e·c l·es p·t r·in r·ea ã·ģ Ċ·ĠĠ Ġ·7 Ġ·A Ġ·O Ġ·S Ġ·What Ġ·ðŁ Ġ·How er·e Ġa·s
Ġth·ous an·d an·y ea·r Ġw·e Ġw·or Ġw·ro Ġc·an at·ter Ġm·y Ġm·any ou·gh on·g Ġ2·5 Ġp·o Ġf·or Ġf·rom
Ġco·me Ġto·day Ġl·ine Ġe·very Ġe·nd Ġon·es Ġon·ly ur·n Ġd·ay ri·pt Ġsc·atter âĢįðŁ·ĳ rin·t
Ġthous·and Ġwro·te "·) (·" (·) E·very F·rom L·i L·ine O·N O·n S·ay T·ell W·ri Y·ou a·ck b·o b·ou c·u
c·es c·ript d·s d·y e·n e·ver h·ink i·l i·et k·y k·ed l·us l·ain l·ight m·a n·y n·ing n·ough o·t
o·es r·e r·es s·e s·t s·lo s·cript t·ime u·l x·t y·th »·Î à·¥ Ġ·< Ġ·C Ġ·[ Ġ·\\ Ġ·r Ġ·Rome Ġ·Every
Ġ·From th·ing Ġa·m Ġa·ll Ġa·bou Ġa·re is·te in·te Ġth·is Ġth·ere me·d Ġs·h Ġs·un Ġs·ky Ġthe·n oo·d
Ġc·ou Ġc·lo Ġc·ab Ġo·ther Ġt·urn Ġb·ack Ġh·as Ġh·ou Ġh·ous Ġh·um Ġh·ear Ġm·o Ġm·ain ou·nt Ġ2·1
ĠT·hink ne·d Ġ1·2 Ġ1·7 Ġ1·8 Ġ3·0 Ġp·rint Ġp·lus Ġf·an Ġf·ir Ġco·ld Ġco·de Ġl·ook Ġl·ong Ġl·iste
Ġe·nough Ġon·ce ĠI·t Ġd·oes Ġg·rea Ġg·ot Ġit·s ing·s Ġsm·ile Ġanswer·ed ĠWh·y Ġst·ood Ġ6·0 Ġne·w
Ġne·ver Ġne·xt Ġqu·iet Ġno·t Ġno·te de·f Ġwa·it Ġwa·ys \`\`·\` pon·se Ġu·p Ġu·pon Ġbu·t Ġbu·il Ġmor·e
Ġmor·ning Ġcomp·ile Ġcomp·lain ĠWho·ever ĊĠĠ·Ġ ĠA·t ĠO·ne ĠS·o Ġas·ked Ġwor·ld Ġpo·inte Ġevery·bo
Li·ma On·ce Wri·te res·ponse yth·on Ġabou·t Ġsun·ny Ġcou·ld Ġclo·ck Ġcab·les Ġother·s Ġhou·r Ġhous·e
Ġhum·med Ġhear·t Ġfir·st Ġliste·ned Ġgrea·t Ġsmile·d Ġquiet·ly Ġbuil·t Ġcomplain·ed Ġpointe·d
Ġeverybo·dy
`
  .trim()
  .split(/\s+/)
  .map((pair) => pair.split('·') as [string, string]);

/** Each id's text, in GPT-2's spelling. Ids follow the order of letters, then the order of merges. */
export const TOKENS: string[] = [
  ...SPECIAL,
  ...[...LETTERS].sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0)),
  ...MERGES.map((pair) => pair.join('')),
];
