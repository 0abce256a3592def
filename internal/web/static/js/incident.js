// An incident: start it, read, mend the file, watch. What happens comes over the
// stream; this places it.
import { all, ask, find, note, place, post, slot } from './dom.js';

let held = false; // the wire stands still, for reading
let said = '';

export function start(address) {
  document.addEventListener('click', (e) => {
    const act = e.target.closest('[data-act]')?.dataset.act;
    if (act === 'hold') hold(!held);
    else if (act === 'reset') reset(address);
    else if (act) send(`${address}/${act}`);
  });
  return { state: take, board: take, wire };
}

function hold(on) {
  held = on;
  const button = find('[data-act="hold"]');
  button.textContent = on ? 'Go on' : 'Hold';
  button.setAttribute('aria-pressed', on);
  find('[data-hold-said]').textContent = on ? 'held' : 'the last commands, every two seconds';
}

async function send(to) {
  note('incident-error', '');
  for (const button of all('[data-act="run"], [data-act="stop"]')) button.disabled = true;
  try {
    return await post(to);
  } catch (e) {
    note('incident-error', e.message);
    for (const button of all('[data-act="run"], [data-act="stop"]')) button.disabled = false;
  }
}

async function reset(address) {
  if (!await ask('incident-error', 'Put the file back as it was at the start? What you wrote is kept beside it.', 'Start over')) return;
  const answer = await send(`${address}/reset`);
  for (const button of all('[data-act="run"], [data-act="stop"]')) button.disabled = false;
  if (answer) note('incident-error', answer.said, '');
}

// take places the state or the dashboard, and says what changed.
function take(message) {
  place(message.parts);
  if (message.said && message.said !== said) {
    said = message.said;
    slot('incident-said').textContent = said;
  }
}

function wire({ parts }) {
  if (!held) place(parts);
}
