// The row of places moves to a place without touching the address, which may
// hold a race.
import { all, find, reveal } from './dom.js';

export function start() {
  for (const link of all('.jump a, .bench a[href^="#"]')) {
    link.addEventListener('click', (e) => {
      const to = find(link.getAttribute('href'));
      if (!to) return;
      e.preventDefault();
      reveal(to);
      to.setAttribute('tabindex', '-1');
      to.focus({ preventScroll: true });
    });
  }
}
