// Counts down what is left to live of the keys below an element, and calls when
// one has gone. The words are those of ttlText on the server.
import { all } from './dom.js';

export function countdown(root, gone) {
  const ends = new WeakMap();
  setInterval(() => {
    if (document.hidden) return;
    for (const at of all('[data-ttl]', root)) {
      if (!ends.has(at)) ends.set(at, performance.now() + Number(at.dataset.ttl));
      const left = ends.get(at) - performance.now();
      if (left <= 0) {
        delete at.dataset.ttl;
        at.textContent = 'expired';
        setTimeout(gone, 150); // so that Redis has seen it too
        continue;
      }
      at.textContent = words(left / 1000);
      at.classList.toggle('soon', left < 10_000);
    }
  }, 200);
}

export function words(s) {
  if (s < 10) return `expires in ${s.toFixed(1)} s`;
  if (s < 60) return `expires in ${Math.floor(s)} s`;
  if (s < 3600) return `expires in ${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 48 * 3600) return `expires in ${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `expires in ${Math.floor(s / 86_400)} days`;
}
