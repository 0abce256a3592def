// Plays a film: all its frames are on the page, one of them is shown. What has
// the same name in two frames moves from its place in the one to that in the other.
// The time that is left of a key runs down between two frames as it did in Redis.
import { all, calm, find } from './dom.js';
import { words } from './pictures.js';

const slide = 450;   // of what changes its place, in ms
const pause = 1500;  // between two frames of a film that goes in steps

export function start(root) {
  root.addEventListener('click', (e) => {
    const act = e.target.closest('[data-film-act]')?.dataset.filmAct;
    if (!act) return;
    const film = e.target.closest('[data-film]');
    const playing = film.dataset.playing;
    halt(film);
    if (act === 'play' && !playing) play(film);
    if (act === 'back') show(film, at(film) - 1, true);
    if (act === 'next') show(film, at(film) + 1, true);
  });
}

const frames = (film) => all('.frame', film);
const at = (film) => frames(film).findIndex((f) => f.classList.contains('now'));

// show changes to a frame; said tells it to a screen reader, which play does not.
function show(film, n, said) {
  const list = frames(film);
  if (n < 0 || n >= list.length) return false;
  const [from, to] = [list[at(film)], list[n]];
  from.classList.remove('now');
  to.classList.add('now');
  find('[data-film-at]', film).textContent = `${n + 1} of ${list.length}`;
  find('[data-film-said]', film).textContent = said ? `${n + 1} of ${list.length}. ${find('.caption', to).textContent}` : '';
  if (!calm() && Math.abs(list.indexOf(from) - n) === 1) move(from, to);
  return true;
}

// move slides what has a name from where it was to where it is now.
function move(from, to) {
  const was = new Map(all('[data-id]', from).map((e) => [e.dataset.id, e.getBoundingClientRect()]));
  for (const e of all('[data-id]', to)) {
    const before = was.get(e.dataset.id);
    if (!before) { e.animate([{ opacity: 0 }, { opacity: 1 }], slide); continue; }
    const by = before.top - e.getBoundingClientRect().top;
    e.classList.toggle('moved', Math.abs(by) > 1);
    if (Math.abs(by) > 1) e.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: slide, easing: 'ease-in-out' });
  }
}

// play shows one frame after the other from the one that is shown, or from the
// first when that is the last.
function play(film) {
  const list = frames(film);
  const mark = film.dataset.playing = String(performance.now());
  find('[data-film-act="play"]', film).textContent = 'Pause';
  if (at(film) === list.length - 1) show(film, 0);
  const step = () => {
    if (film.dataset.playing !== mark || !film.isConnected) return;
    const n = at(film);
    if (n === list.length - 1) return halt(film);
    runDown(film, list[n], mark);
    const wait = film.dataset.slow ? film.dataset.slow * (list[n + 1].dataset.at - list[n].dataset.at) : pause;
    setTimeout(() => { if (film.dataset.playing === mark) { show(film, n + 1); step(); } }, wait);
  };
  step();
}

function halt(film) {
  delete film.dataset.playing;
  find('[data-film-act="play"]', film).textContent = 'Play';
}

// runDown takes time from what is left in a frame while it is played and shown;
// afterwards the frame is again as it was read.
function runDown(film, frame, mark) {
  const bars = all('[data-left]', frame);
  if (calm() || !bars.length) return;
  const begun = performance.now();
  const draw = () => {
    const live = film.dataset.playing === mark && frame.classList.contains('now');
    const gone = live ? (performance.now() - begun) / film.dataset.slow : 0;
    for (const bar of bars) {
      const left = Math.max(bar.dataset.left - gone, 0);
      bar.setAttribute('width', 1000 * left / bar.dataset.longest);
      find('.ttl', bar.closest('.shot')).textContent = words(left / 1000);
    }
    if (live) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}
