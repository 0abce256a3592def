import { draw, sample } from './chart.js';

const $ = (id) => document.getElementById(id);
const euros = (cents) => `€ ${(cents / 100).toLocaleString('en-GB', { minimumFractionDigits: 2 })}`;
const many = (n) => n.toLocaleString('en-GB');

// ask sends a request and measures it as its user sees it. A problem is thrown with
// its sentence.
async function ask(path, options) {
  const begun = performance.now();
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error('The catalog does not answer. Is it still running?');
  }
  const took = performance.now() - begun;
  const body = await response.json();
  if (!response.ok) throw new Error([body.title, body.detail].filter(Boolean).join(': '));
  return { body, response, took };
}

const post = (path, fields) => ask(path, { method: 'POST', body: new URLSearchParams(fields) });

// source reads from a Cache-Status which layer had the answer, and whether it stood
// there as a whole response.
function source(status) {
  const hit = status.split(',').map((s) => s.replaceAll(' ', '')).find((s) => /;hit(;|$)/.test(s));
  if (!hit) return ['store', 'the store'];
  const ready = /response;/.test(hit) ? ', as a ready response' : '';
  return /^memory;|;detail=memory/.test(hit) ? ['memory', `memory${ready}`] : ['redis', `Redis${ready}`];
}

// provenance says where an answer came from, by its headers.
function provenance(at, { response, took }) {
  const status = response.headers.get('Cache-Status') ?? '';
  const server = /total;dur=([\d.]+)/.exec(response.headers.get('Server-Timing') ?? '');
  const commands = parseInt(response.headers.get('Redis-Commands') ?? '0', 10);
  const [layer, from] = source(status);
  const b = document.createElement('b');
  b.className = layer;
  b.textContent = `from ${from}`;
  const age = Number(response.headers.get('Age') ?? 0);
  const stale = /ttl=-/.test(status) ? ', past its time' : '';
  at.replaceChildren(b, ` · ${age} s old${stale} · ${commands} ${commands === 1 ? 'command' : 'commands'} · ${server ? server[1] : '?'} ms in the server, ${took.toFixed(1)} ms for you`);
}

function failed(at, error) {
  const p = document.createElement('span');
  p.className = 'note bad';
  p.textContent = error.message;
  at.replaceChildren(p);
}

// shelf shows products as things to choose.
function shelf(at, items) {
  at.replaceChildren(...items.map((p) => {
    const li = document.createElement('li'), button = document.createElement('button');
    const name = document.createElement('span'), facts = document.createElement('span'), price = document.createElement('b');
    button.type = 'button';
    button.dataset.id = p.id;
    if (p.id === chosen) button.setAttribute('aria-current', 'true');
    name.textContent = p.name;
    price.textContent = euros(p.price_cents);
    facts.className = 'soft';
    facts.append(p.category, price);
    button.append(name, facts);
    button.addEventListener('click', () => choose(p.id, true));
    li.append(button);
    return li;
  }));
}

let chosen = 0, next = '';

async function list(cursor = '') {
  try {
    const answer = await ask(`/products?${new URLSearchParams({ limit: 12, q: $('q').value.trim(), cursor })}`);
    provenance($('list-from'), answer);
    shelf($('list'), answer.body.items ?? []);
    next = answer.body.next ?? '';
    $('more').hidden = !next;
    if (!answer.body.items?.length) $('list-from').append(' · no product has that in its name');
  } catch (error) { failed($('list-from'), error); }
}

async function choose(id, move) {
  chosen = id;
  for (const button of document.querySelectorAll('.shelf button')) {
    button.toggleAttribute('aria-current', Number(button.dataset.id) === id);
  }
  $('product').hidden = false;
  $('changed').replaceChildren();
  try {
    const answer = await ask(`/products/${id}`);
    show(answer.body);
    provenance($('from'), answer);
    await wire(answer.response);
    const related = await ask(`/products/${id}/related`);
    provenance($('related-from'), related);
    shelf($('related'), related.body.items ?? []);
  } catch (error) { failed($('from'), error); }
  if (move) $('product').scrollIntoView({ block: 'nearest' });
  poll();
}

function show(p) {
  $('name').textContent = p.name;
  $('category').textContent = $('category-too').textContent = p.category;
  $('price').textContent = euros(p.price_cents);
  $('stock').textContent = `${many(p.stock)} in stock, version ${p.version}`;
  if (document.activeElement !== $('cents')) $('cents').value = p.price_cents;
}

// wire shows the commands behind an answer.
async function wire(response) {
  const line = (text, took) => {
    const li = document.createElement('li'), a = document.createElement('span'), b = document.createElement('span');
    a.textContent = text;
    b.textContent = took;
    li.append(a, b);
    return li;
  };
  try {
    const { body } = await ask(`/requests/${response.headers.get('X-Request-Id')}`);
    const lines = body.commands.map((c) => line(c.text, `${(c.took_ns / 1e6).toFixed(2)} ms`));
    if (!lines.length) {
      const commands = parseInt(response.headers.get('Redis-Commands') ?? '0', 10);
      lines.push(line(commands ? 'they travelled in a batch with those of other requests' : 'nothing: it was answered without Redis', ''));
      lines[0].className = 'soft';
    }
    $('wire').replaceChildren(...lines);
  } catch { $('wire').replaceChildren(); } // under load a request is soon not among the last hundred
}

async function change(event) {
  event.preventDefault();
  try {
    const answer = await ask(`/products/${chosen}/price`, {
      method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ price_cents: Number($('cents').value) }),
    });
    show(answer.body);
    await wire(answer.response);
    note($('changed'), `Version ${answer.body.version} is in the store, and every cache was told.`, 'good');
  } catch (error) { note($('changed'), error.message, 'bad'); }
  poll();
}

function note(at, text, tone) {
  const p = document.createElement('span');
  p.className = `note ${tone}`;
  p.textContent = text;
  at.replaceChildren(...(text ? [p] : []));
}

// press sends what a button means and says what came of it.
let presses = 0;
async function press(path, fields) {
  presses++;
  try {
    const { body } = await post(path, fields);
    note($('said'), body.said, 'good');
  } catch (error) { note($('said'), error.message, 'bad'); }
  presses++;
  poll();
}

// instances shows who else is there, and when each followed the last change.
function instances(state) {
  const seen = state.instances.map((v) => v.seen).filter(Boolean);
  const newest = Math.max(0, ...seen.map((s) => s.version));
  const first = Math.min(...seen.filter((s) => s.version === newest).map((s) => s.since_ms));
  $('instances').replaceChildren(...state.instances.map((v) => {
    const tr = document.createElement('tr'), link = document.createElement('a');
    if (v.name === state.name) tr.className = 'here';
    link.href = v.url;
    link.textContent = v.name + (v.name === state.name ? ' (this)' : '');
    const c = v.counts, all = c.memory + c.redis + c.store;
    const answers = v.seen ? `v${v.seen.version}, ${euros(v.seen.price_cents)}, ${v.seen.from}` : '–';
    const after = !v.seen || newest < 2 ? '–' : v.seen.version < newest ? 'not yet' : `${v.seen.since_ms - first} ms`;
    for (const [what, right] of [[link], [many(all), true], [all ? `${(100 * (c.memory + c.redis) / all).toFixed(1)} %` : '–', true], [answers], [after, true]]) {
      const td = document.createElement('td');
      if (right) td.className = 'r';
      td.append(what);
      tr.append(td);
    }
    return tr;
  }));
}

function machinery(state, one, current) {
  const pill = $('redis'), c = state.counts;
  const [tone, text] = state.trouble || c.outage ? ['bad', 'Redis does not answer'] : c.pushed ? ['good', 'Redis, with pushes'] : ['warn', 'Redis, without pushes'];
  pill.className = `right pill ${tone}`;
  pill.lastElementChild.textContent = c.untold ? `${text}, ${c.untold} changes to be told` : text;
  if (current) for (const box of document.querySelectorAll('.layers input')) box.checked = state.layers[box.name];
  $('load').textContent = state.load.running ? 'Stop the load' : 'Start a load';
  $('load').setAttribute('aria-pressed', state.load.running);
  $('load-said').textContent = state.load.said && `Load: ${state.load.said}`;
  $('warm').disabled = state.warm.running;
  $('warm-said').textContent = state.warm.said && `Warming: ${state.warm.said}`;
  $('expire').textContent = state.hottest ? `Expire the hottest, product ${state.hottest}` : 'Expire the hottest product';
  const calls = state.drill.loads;
  $('drill').textContent = state.drill.id ? `Product ${state.drill.id} was expired at ${new Date(state.drill.at).toLocaleTimeString('en-GB')}: ${state.drill.over ? 'until somebody changed it, within a second' : 'in the second after'}, this instance asked the store for it ${calls === 1 ? 'once' : `${calls} times`}.` : '';
  if (!one) return;
  const all = one.memory + one.redis + one.store;
  $('rate').textContent = `${many(Math.round(all))} answers a second`;
  for (const part of ['memory', 'redis', 'store', 'ready']) $(`share-${part}`).textContent = all ? `${(100 * one[part] / all).toFixed(1)} %` : '–';
  $('asked').textContent = `${many(Math.round(one.asked))} /s`;
}

// poll asks for the state; once a second, and at once after an action.
let last = 0;
async function poll() {
  const before = presses; // what was asked before a press says how it was before
  try {
    const { body } = await ask(`/page/state?watch=${chosen}`);
    const now = performance.now();
    let one = null;
    if (now - last > 900) {
      one = sample(body.counts, (now - last) / 1000);
      last = now;
      draw($('chart'));
    }
    machinery(body, one, before === presses);
    instances(body);
  } catch (error) {
    $('redis').className = 'right pill bad';
    $('redis').lastElementChild.textContent = error.message;
  }
}

$('search').addEventListener('submit', (event) => { event.preventDefault(); list(); });
$('more').addEventListener('click', () => list(next));
$('change').addEventListener('submit', change);
$('again').addEventListener('click', () => choose(chosen));
$('load').addEventListener('click', () => press('/page/load', { on: $('load').getAttribute('aria-pressed') !== 'true' }));
$('expire').addEventListener('click', () => press('/page/expire', {}));
$('warm').addEventListener('click', () => press('/page/warm', {}));
for (const box of document.querySelectorAll('.layers input')) {
  box.addEventListener('change', () => press('/page/layer', { name: box.name, on: box.checked }));
}
for (const button of document.querySelectorAll('.faults button')) {
  button.addEventListener('click', () => press('/page/redis', { do: button.value }));
}

draw($('chart'));
list();
poll();
setInterval(() => { if (!document.hidden) poll(); }, 1000);
