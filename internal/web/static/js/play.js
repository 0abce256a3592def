// The prompt: history, completion, replies as they come.
import { each, find, place, post } from './dom.js';
import { countdown } from './pictures.js';

const historyKey = 'grind.prompt';
const tab = sessionStorage.getItem('grind.tab') ?? Math.random().toString(36).slice(2);
sessionStorage.setItem('grind.tab', tab);

let line, log, offers, stop;
let past = JSON.parse(localStorage.getItem(historyKey) ?? '[]');
let at = past.length, draft = '';
let running = null;

export function start() {
  [line, log, offers, stop] = [find('#line'), find('[data-log]'), find('[data-offers]'), find('[data-act="stop"]')];
  find('[data-form="play"]').addEventListener('submit', (e) => { e.preventDefault(); send(line.value); });
  line.addEventListener('keydown', key);
  line.addEventListener('input', suggest);
  log.addEventListener('click', (e) => {
    const text = e.target.closest('[data-try]')?.dataset.try;
    if (text) { line.value = text; line.focus(); suggest(); } else if (getSelection().isCollapsed) line.focus({ preventScroll: true });
  });
  stop.addEventListener('click', () => running?.abort());
  find('[data-act="keys"]').addEventListener('click', keys);
  addEventListener('focus', keys);
  countdown(find('[data-slot="play-keys"]'), keys);
  keys();
  line.focus();
}

function key(e) {
  if (e.key === 'ArrowUp') { e.preventDefault(); recall(-1); }
  if (e.key === 'ArrowDown') { e.preventDefault(); recall(1); }
  if (e.key === 'Escape') show([], '');
  if (e.key === 'Tab' && !e.shiftKey && offers.querySelector('button')) { e.preventDefault(); offers.querySelector('button').click(); }
  if (e.ctrlKey && e.key === 'l') { e.preventDefault(); log.replaceChildren(); }
  if (e.ctrlKey && e.key === 'c' && getSelection().isCollapsed && line.selectionStart === line.selectionEnd) { e.preventDefault(); running ? running.abort() : (line.value = ''); }
}

function recall(step) {
  if (at === past.length) draft = line.value;
  at = Math.min(Math.max(at + step, 0), past.length);
  line.value = at === past.length ? draft : past[at];
  line.setSelectionRange(line.value.length, line.value.length);
  show([], '');
}

async function send(text) {
  if (running || !text.trim()) return;
  if (past.at(-1) !== text) past = [...past, text].slice(-200);
  localStorage.setItem(historyKey, JSON.stringify(past));
  at = past.length;
  line.value = '';
  show([], '');
  const entry = document.createElement('div');
  const echo = document.createElement('p');
  echo.className = 'line';
  echo.append(`${find('[data-prompt]').textContent} `, Object.assign(document.createElement('b'), { textContent: text }));
  const reply = document.createElement('div');
  reply.dataset.slot = 'reply';
  entry.append(echo, reply);
  log.append(entry);
  while (log.children.length > 300) log.firstChild.remove();
  log.scrollTop = log.scrollHeight;

  running = new AbortController();
  const patience = setTimeout(() => { stop.hidden = false; }, 600);
  let failed = false;
  try {
    const answer = await post('/play', { line: text, tab }, { signal: running.signal });
    await each(answer, ({ parts }) => { place(parts); log.scrollTop = log.scrollHeight; });
  } catch (e) {
    failed = true;
    const p = Object.assign(document.createElement('pre'), { className: e.name === 'AbortError' ? 'said-by' : 'error', textContent: e.name === 'AbortError' ? 'Ended.' : e.message });
    reply.append(p);
  }
  clearTimeout(patience);
  stop.hidden = true;
  running = null;
  delete reply.dataset.slot;
  log.scrollTop = log.scrollHeight;
  transaction(text, failed || reply.querySelector('.error'));
  keys();
}

// transaction shows in the prompt that MULTI is open.
function transaction(text, failed) {
  const word = text.trim().split(/\s+/)[0].toUpperCase();
  const label = find('[data-prompt]');
  if (word === 'MULTI' && !failed) label.textContent = 'redis(TX)>';
  if (['EXEC', 'DISCARD', 'RESET', 'QUIT'].includes(word)) label.textContent = 'redis>';
}

async function keys() {
  try {
    place((await (await fetch('/play/keys')).json()).parts);
  } catch { /* the pill says that grind has gone */ }
}

let asked = 0;

async function suggest() {
  const mine = ++asked;
  const text = line.value;
  if (!text) return show([], '');
  try {
    const answer = await (await fetch(`/play/complete?${new URLSearchParams({ line: text })}`)).json();
    if (mine === asked && text === line.value) show(answer.offers ?? [], answer.form ?? '', answer.from);
  } catch { /* no offers then */ }
}

function show(words, form, from = 0) {
  offers.replaceChildren();
  for (const word of words) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: word, tabIndex: -1 });
    button.addEventListener('click', () => {
      const quoted = /[\s"'\\]/.test(word) ? JSON.stringify(word) : word;
      line.value = `${line.value.slice(0, from)}${quoted} `;
      line.focus();
      suggest();
    });
    offers.append(button);
  }
  if (form) offers.append(Object.assign(document.createElement('span'), { className: 'form', textContent: form.split('\n')[0] }));
}

