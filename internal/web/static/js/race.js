// The race, stepped. The schedule is all the state there is, and it stands in the
// address: the server plays it from the start each time.
import { calm, each, find, note, place, post, reveal, slot } from './dom.js';

let address, scenario;
let moves = [];   // such as A, B, A!
let undone = [];  // what Back took away
let shown = [];   // the schedule of the last answer
let now = null;   // the last answer
let asked = 0;    // how many were asked for
let playing = null;

export function start(at) {
  const card = find('#race');
  if (!card) return;
  address = at;
  scenario = find('[data-race-scenario]');
  scenario.addEventListener('change', () => { slot('explored').replaceChildren(); go([]); });
  card.addEventListener('click', (e) => {
    const button = e.target.closest('button');
    if (!button) return;
    if (button.dataset.move) { undone = []; go([...moves, button.dataset.move]); }
    if (button.dataset.replay) { undone = []; go(words(button.dataset.replay)); reveal(find('#race')); }
    actions[button.dataset.race]?.();
  });
  addEventListener('hashchange', () => { if (fromAddress()) reveal(card); });
  fromAddress();
}

const actions = {
  begin: () => go([]),
  reset: () => { undone = []; go([]); },
  back: () => { undone.push(moves.at(-1)); go(moves.slice(0, -1), true); },
  forward: () => go([...moves, undone.pop()], true),
  play, explore,
  stop: () => playing?.abort(),
};

const words = (text) => text.trim().split(/[\s.]+/).filter(Boolean);

function fromAddress() {
  const found = location.hash.match(/^#race\/([\w-]+)\/(.*)$/);
  if (!found) return false;
  if (now && found[1] === scenario.value && decodeURI(found[2]) === moves.join('.')) return true;
  scenario.value = found[1];
  if (scenario.selectedIndex < 0) { scenario.selectedIndex = 0; return false; }
  slot('explored').replaceChildren();
  go(words(decodeURI(found[2])));
  return true;
}

// go plays a schedule and shows what came of it. A click that comes before the
// answer builds on this one; only the newest answer is shown.
async function go(next, keep = false) {
  const mine = ++asked;
  moves = next;
  const focused = document.activeElement?.closest('#race') ? document.activeElement.dataset : null;
  const wanted = { move: focused?.move, race: focused?.race };
  let answer;
  try {
    answer = await post(`${address}/race`, { scenario: scenario.value, schedule: next.join(' ') });
  } catch (e) {
    if (mine !== asked) return false;
    moves = shown;
    note('race-error', e.message);
    return false;
  }
  if (mine !== asked) return true;
  [now, shown] = [answer, next];
  if (!keep) undone = [];
  note('race-error', '');
  place(now.parts);
  find('[data-race-schedule]').textContent = moves.join(' ') || '–';
  history.replaceState(null, '', `#race/${scenario.value}/${moves.join('.')}`);
  buttons();
  if (focused) refocus(wanted);
  return true;
}

function buttons() {
  find('[data-race="begin"]').hidden = true;
  for (const [name, on] of [['back', moves.length > 0], ['reset', moves.length > 0], ['forward', undone.length > 0]]) {
    const button = find(`[data-race="${name}"]`);
    button.hidden = false;
    button.disabled = !on;
  }
  find('[data-race="play"]').hidden = false;
}

// refocus keeps the keyboard where it was, although the buttons are new ones.
function refocus({ move, race }) {
  const again = move ? find(`[data-move="${CSS.escape(move)}"]`) : find(`[data-race="${race}"]:not(:disabled, [hidden])`);
  (again ?? find('#race [data-move]') ?? find('[data-race="back"]:not(:disabled)') ?? find('[data-race="play"]')).focus();
}

// play lets the actors take turns from the start to the end, unless a click
// comes between.
async function play() {
  undone = [];
  if (!(await go([]))) return;
  for (let turn = 0, mine = asked; !now.done && moves.length < 60; turn++) {
    const actor = turn % now.next.length;
    if (!now.next[actor]) continue;
    if (!calm()) await new Promise((r) => setTimeout(r, 350));
    if (mine !== asked || !(await go([...moves, String.fromCharCode(65 + actor)]))) return;
    mine++;
  }
}

// explore plays every schedule there is.
async function explore() {
  playing = new AbortController();
  const [begin, stop] = [find('[data-race="explore"]'), find('[data-race="stop"]')];
  begin.disabled = true;
  stop.hidden = false;
  note('race-error', '');
  try {
    const answer = await post(`${address}/explore`, { scenario: scenario.value }, { signal: playing.signal });
    await each(answer, ({ parts, error }) => { place(parts); if (error) { slot('explored').replaceChildren(); note('race-error', error); } });
  } catch (e) {
    slot('explored').replaceChildren();
    note('race-error', e.name === 'AbortError' ? '' : e.message);
  }
  begin.disabled = false;
  stop.hidden = true;
}
