// Predict, set, run, see. The events of a run come over the stream; this places
// them.
import { all, find, note, place, post, reveal, slot } from './dom.js';

let address, guessKey, mine = false;

export function start(at, unit) {
  address = at;
  guessKey = `grind.guess.${unit}`;
  const form = find('[data-form="run"]');
  remember(form);
  sliders(form);
  form.addEventListener('submit', (e) => { e.preventDefault(); run(form); });
  find('[data-act="stop"]').addEventListener('click', () => post(`${address}/stop`).catch((e) => note('run-error', e.message)));
  return take;
}

// remember keeps the guess in this browser.
function remember(form) {
  const was = localStorage.getItem(guessKey);
  for (const radio of all('input[name="guess"]', form)) {
    if (was !== null) radio.checked = radio.value === was;
    else if (radio.checked) localStorage.setItem(guessKey, radio.value); // chosen before this ran
    radio.addEventListener('change', () => localStorage.setItem(guessKey, radio.value));
  }
}

// sliders shows the figure beside each slider; some go by stops, 1 2 5 10.
function sliders(form) {
  for (const range of all('input[type="range"]', form)) {
    const stops = range.dataset.stops?.split(' ');
    const out = find(`output[for="${range.id}"]`, form);
    const show = () => {
      const value = stops ? stops[range.value] : range.value;
      out.textContent = /^\d+$/.test(value) ? Number(value).toLocaleString('en-GB') : value.replace(/(?<=[hm])0[ms]/g, '').replace(/\d(?=[a-zµ])|[a-z](?=\d)/g, '$& '); // 300 ms
      range.setAttribute('aria-valuetext', out.textContent);
      if (stops) out.nextElementSibling.value = value;
    };
    range.addEventListener('input', show);
    show();
  }
}

async function run(form) {
  const fields = new FormData(form);
  fields.delete('guess');
  note('run-error', '');
  mine = true;
  busy(true);
  try {
    await post(`${address}/run`, fields);
  } catch (e) {
    mine = false;
    busy(false);
    note('run-error', e.message);
  }
}

function busy(on) {
  const button = find('[data-act="run"]');
  button.disabled = on;
  button.textContent = on ? 'Running…' : 'Run the experiment';
  find('[data-act="stop"]').hidden = !on;
  find('[data-running]').hidden = !on;
}

// take places one event of a run.
function take({ type, parts, data }) {
  if (type === 'start') begin();
  place(parts);
  if (type === 'step') find('[data-run-steps]').hidden = false;
  if (type === 'trace') show('wire');
  if (type === 'predict') verdict(data);
  if (type === 'result') end(data);
}

function begin() {
  for (const at of all('[data-run]')) at.replaceChildren();
  for (const label of all('.choices .was')) label.classList.remove('was');
  find('[data-run-steps]').hidden = true;
  find('#wire').hidden = true;
  find('[data-jump="wire"]').hidden = true;
  slot('run-said').textContent = '';
  show('result');
  busy(true);
}

function show(id) {
  find(`#${id}`).hidden = false;
  find(`[data-jump="${id}"]`).hidden = false;
}

// verdict compares the guess with what came out.
function verdict({ choices, right }) {
  const guess = localStorage.getItem(guessKey);
  const at = find('[data-guess]');
  if (guess === null) at.textContent = `The answer is “${choices[right]}”.`;
  else if (Number(guess) === right) at.textContent = `You guessed “${choices[right]}”, and so it is.`;
  else at.textContent = `You guessed “${choices[guess]}”; it is “${choices[right]}”.`;
  find('[data-verdict]').classList.toggle('good', guess !== null && Number(guess) === right);
  find(`input[name="guess"][value="${right}"]`)?.closest('label').classList.add('was');
}

function end({ ok, took, error }) {
  busy(false);
  const at = find('[data-took]');
  if (at) at.textContent = took;
  const figures = all('.metrics > div').map((d) => `${d.lastElementChild.textContent} ${d.firstElementChild.textContent}`);
  slot('run-said').textContent = error ? `The run ended early. ${error}` : `The run has ended${ok ? '' : ', and a claim is broken'}. ${figures.join('; ')}.`;
  if (mine) reveal(find('#result'));
  mine = false;
}
