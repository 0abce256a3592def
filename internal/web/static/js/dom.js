// What every page needs: finding elements, placing what the server drew, asking
// the server.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
export const slot = (name) => find(`[data-slot="${name}"]`);
export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// reveal brings a card of the bench into view: within the bench where that
// scrolls by itself, so that the text beside it stays where it is.
export function reveal(to) {
  const bench = find('.bench');
  const behavior = calm() ? 'auto' : 'smooth';
  if (bench?.contains(to) && getComputedStyle(bench).overflowY === 'auto') bench.scrollTo({ top: to.offsetTop - 2, behavior });
  else to.scrollIntoView({ block: 'start', behavior });
}

// place puts pieces of HTML, made by the server, where they belong.
export function place(parts = []) {
  for (const { slot: name, mode, html } of parts) {
    const at = slot(name);
    if (!at) continue;
    if (mode === 'append') at.insertAdjacentHTML('beforeend', html);
    else at.innerHTML = html;
  }
}

// note writes a plain sentence into a slot; an empty one clears it.
export function note(name, text, tone = 'bad') {
  const at = slot(name);
  if (!at) return;
  at.replaceChildren();
  if (!text) return;
  const p = document.createElement('p');
  p.className = `note ${tone}`;
  p.textContent = text;
  at.append(p);
}

// post sends a form's fields and returns the answer, or throws its sentence.
export async function post(address, fields = {}, options = {}) {
  let response;
  try {
    response = await fetch(address, { method: 'POST', body: new URLSearchParams(fields), ...options });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Error('grind does not answer. Is it still running in the terminal?');
  }
  if ((response.headers.get('Content-Type') ?? '').includes('ndjson')) return response;
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? `the answer was ${response.status}`);
  return body;
}

// each hands on the lines of an answer as they arrive.
export async function each(response, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line) take(JSON.parse(line));
  }
}

// ask puts a question with a yes and a no into a slot and waits for the answer.
export function ask(name, text, yes) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const box = document.createElement('div');
    box.className = 'note warn';
    box.setAttribute('role', 'alertdialog');
    box.setAttribute('aria-label', text);
    const line = document.createElement('p');
    line.textContent = text;
    const row = document.createElement('div');
    row.className = 'actions tight';
    const end = (answer) => { slot(name).replaceChildren(); before?.focus?.(); resolve(answer); };
    for (const [label, answer] of [[yes, true], ['No', false]]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = label;
      button.addEventListener('click', () => end(answer));
      row.append(button);
    }
    box.addEventListener('keydown', (e) => { if (e.key === 'Escape') end(false); });
    box.append(line, row);
    slot(name).replaceChildren(box);
    row.firstChild.focus();
    box.scrollIntoView({ block: 'nearest' });
  });
}
