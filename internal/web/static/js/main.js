// Starts what the page needs. There is one stream of events for a tab.
import { listen } from './events.js';

const page = document.body.dataset.page;
const unit = document.body.dataset.unit;

if (page === 'unit') {
  const [run, race, exercise, jump, film] = await Promise.all([
    import('./run.js'), import('./race.js'), import('./exercise.js'), import('./jump.js'), import('./film.js'),
  ]);
  const address = location.pathname;
  const takeRun = run.start(address, unit);
  const takeCheck = exercise.start(address);
  race.start(address);
  jump.start();
  film.start(document.querySelector('[data-slot="films"]'));
  listen(unit, { run: takeRun, check: takeCheck });
} else if (page === 'incident') {
  const incident = await import('./incident.js');
  listen(unit, incident.start(location.pathname));
} else {
  listen('', {});
  if (page === 'play') (await import('./play.js')).start();
}
document.body.dataset.ready = 'yes';
