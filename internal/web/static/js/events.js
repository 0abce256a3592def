// The one stream of events of this tab: closed while the tab is hidden, opened
// again with what was missed when it is seen.
import { find } from './dom.js';

let last = '';
let source = null;
let known = null; // the newest state of Redis

export function listen(unit, handlers) {
  known = pillNow();
  const open = () => {
    if (source) return;
    source = new EventSource(`/events?${new URLSearchParams({ unit, last })}`);
    const on = (name, take) => source.addEventListener(name, (e) => {
      last = e.lastEventId;
      take(JSON.parse(e.data));
    });
    on('redis', (state) => { known = state; pill(state); });
    for (const [name, take] of Object.entries(handlers)) on(name, take);
    source.onopen = () => pill(known);
    source.onerror = () => {
      const over = source.readyState === EventSource.CLOSED;
      pill({ tone: 'bad', text: over ? 'grind was started anew: open its new address' : 'grind does not answer' });
    };
  };
  const close = () => { source?.close(); source = null; };
  const turn = () => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', turn);
  addEventListener('pagehide', close);
  addEventListener('pageshow', turn);
  turn();
}

function pillNow() {
  const at = find('#redis');
  return { tone: [...at.classList].find((c) => c !== 'pill'), text: at.textContent.trim() };
}

function pill({ tone, text }) {
  const at = find('#redis');
  at.className = `pill ${tone}`;
  if (at.lastElementChild.textContent !== text) at.lastElementChild.textContent = text;
}
