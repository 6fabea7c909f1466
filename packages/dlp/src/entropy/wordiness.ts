/** The most frequent letter pairs of English text; together about 80 % of the pairs in words. */
const FREQUENT =
  'th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip ub oi rl gu dr hr cc tw ft wn nu af hu nn eo vo rv nf xp gn sm fl iz ok nl my gl aw ju oa eq sy sl ps jo lf nv je nk kn gs dy hy ze ks xt bs ik dd pd ex id db js ts py'.split(
    ' ',
  );

const frequent = new Uint8Array(26 * 26);
for (const pair of FREQUENT) frequent[(pair.charCodeAt(0) - 97) * 26 + pair.charCodeAt(1) - 97] = 1;

/** Share of the adjacent letter pairs that are frequent in words, 0 to 1; random letters come to about a third. */
export function wordiness(text: string): number {
  let pairs = 0;
  let common = 0;
  let previous = -1;
  for (let index = 0; index < text.length; index++) {
    const letter = (text.charCodeAt(index) | 0x20) - 97;
    const isLetter = letter >= 0 && letter < 26;
    if (isLetter && previous >= 0) {
      pairs++;
      common += frequent[previous * 26 + letter] ?? 0;
    }
    previous = isLetter ? letter : -1;
  }
  return pairs === 0 ? 0 : common / pairs;
}
