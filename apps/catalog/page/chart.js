// The last minute, second by second. Above, how much was answered from a cache, as a
// line from none to all; below, the answers as stacked columns: memory, Redis on it,
// the store on top.

const kept = 60, width = 600, height = 220, floor = 202, top = 78;
const none = 58, whole = 18; // of the line
const samples = []; // of the last seconds: {memory, redis, store, ready, asked}, differences
let before = null;

// sample notes counters that only grow, and returns the last second's difference;
// null for the first, and after a restart.
export function sample(counts, seconds) {
  const last = before;
  before = counts;
  if (!last || counts.memory < last.memory || counts.asked < last.asked) return null;
  const per = (name) => Math.max(0, counts[name] - last[name]) / seconds;
  const one = { memory: per('memory'), redis: per('redis'), store: per('store'), ready: per('ready'), asked: per('asked') };
  samples.push(one);
  if (samples.length > kept) samples.shift();
  return one;
}

function element(name, attributes, text) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

const left = (i) => width - (samples.length - i) * (width / kept);

// ratio is the line above: a piece for each run of seconds in which there were
// answers.
function ratio() {
  const parts = [
    element('line', { x1: 0, x2: width, y1: whole, y2: whole, class: 'axis' }),
    element('line', { x1: 0, x2: width, y1: none, y2: none, class: 'axis' }),
  ];
  let points = [];
  const end = () => {
    if (points.length) parts.push(element('polyline', { points: points.join(' '), class: 'ratio' }));
    points = [];
  };
  samples.forEach((s, i) => {
    const all = s.memory + s.redis + s.store;
    if (!all) return end();
    const y = (none - ((s.memory + s.redis) / all) * (none - whole)).toFixed(1);
    points.push(`${left(i)},${y} ${left(i) + width / kept},${y}`);
  });
  end();
  parts.push(element('text', { x: 0, y: whole - 5, class: 'dim' }, '100 % from a cache'));
  parts.push(element('text', { x: 0, y: none - 4, class: 'dim' }, '0 %'));
  return parts;
}

// draw shows the samples, the newest on the right.
export function draw(svg) {
  const most = Math.max(1, ...samples.map((s) => s.memory + s.redis + s.store));
  const column = width / kept, parts = ratio();
  samples.forEach((s, i) => {
    let y = floor;
    for (const [part, series] of [['memory', 's1'], ['redis', 's3'], ['store', 's2']]) {
      // What was there at all is seen: a single miss in a thousand hits too.
      const tall = s[part] > 0 ? Math.max(1.5, (s[part] / most) * (floor - top)) : 0;
      if (tall === 0) continue;
      y -= tall;
      parts.push(element('rect', { x: left(i), y, width: column - 1, height: tall, class: series }));
    }
  });
  parts.push(element('line', { x1: 0, x2: width, y1: floor + 0.5, y2: floor + 0.5, class: 'axis' }));
  parts.push(element('text', { x: 0, y: height - 2, class: 'dim' }, 'a minute ago'));
  parts.push(element('text', { x: width, y: height - 2, class: 'dim', 'text-anchor': 'end' }, 'now'));
  parts.push(element('text', { x: 0, y: top - 2, class: 'dim' }, `${Math.round(most).toLocaleString('en-GB')} a second`));
  svg.replaceChildren(...parts);
}
