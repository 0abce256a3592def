// The exercise card. Checks come over the stream, at each save.
import { ask, find, note, place, post, slot } from './dom.js';

let address;

export function start(at) {
  address = at;
  const card = find('#exercise');
  if (!card) return () => {};
  card.addEventListener('click', (e) => {
    const button = e.target.closest('[data-exercise]');
    if (button) act(button.dataset.exercise);
  });
  return take;
}

async function act(name) {
  note('exercise-error', '');
  slot('exercise-said').replaceChildren();
  try {
    if (name === 'reset' && !(await ask('exercise-said', 'Put the starter back? What you wrote is kept in a copy beside it.', 'Start over'))) return;
    let answer = await post(`${address}/${name}`);
    if (answer.ask) {
      if (!(await ask('exercise-said', 'Your file does not pass yet. If the solution is shown now, the unit counts as given.', 'Show it'))) return;
      answer = await post(`${address}/${name}`, { sure: '1' });
    }
    update(answer.parts, name);
  } catch (e) {
    note('exercise-error', e.message);
  }
}

// update places the card and keeps the keyboard where it was.
function update(parts, name) {
  const focused = name ?? document.activeElement?.dataset?.exercise;
  const inside = find('#exercise').contains(document.activeElement) || name;
  const opened = [...document.querySelectorAll('#exercise details')].map((d) => d.open);
  place(parts);
  document.querySelectorAll('#exercise details').forEach((d, i) => { d.open = opened[i] ?? false; });
  if (!inside || !focused) return;
  (find(`[data-exercise="${focused}"]:not(:disabled)`) ?? find('#exercise [data-exercise]:not(:disabled)'))?.focus();
}

let before = '';

function take({ parts, said, checking }) {
  update(parts);
  if (!checking && said !== before) {
    before = said;
    slot('check-said').textContent = `Exercise: ${said}`;
  }
}
