// Where the page is, by the part of the address behind the hash.

export type Route = { view: 'queue' } | { view: 'done' } | { view: 'account' } | { view: 'new' } | { view: 'settings' } | { view: 'log' } | { view: 'job'; id: number };

export function parse(hash: string): Route {
  const [, first, second] = hash.replace(/^#/, '').split('/');
  if (first === 'done') return { view: 'done' };
  if (first === 'account') return { view: 'account' };
  if (first === 'new') return { view: 'new' };
  if (first === 'log') return { view: 'log' };
  if (first === 'settings') return { view: 'settings' };
  const id = Number(second);
  if (first === 'jobs' && Number.isSafeInteger(id) && id > 0) return { view: 'job', id };
  return { view: 'queue' };
}

export const addressOf = (route: Route) =>
  route.view === 'job' ? `#/jobs/${route.id}` : route.view === 'queue' ? '#/' : `#/${route.view}`;

export class Router {
  route = $state.raw<Route>(parse(location.hash));
  /** How far each list was scrolled when it was left. */
  readonly #places = new Map<string, number>();

  /** `entered` is called when another view is there. */
  start(entered: () => void): () => void {
    let hash = location.hash;
    const change = () => {
      this.#places.set(hash, window.scrollY);
      hash = location.hash;
      this.route = parse(hash);
      const place = this.route.view === 'job' ? 0 : (this.#places.get(hash) ?? 0);
      requestAnimationFrame(() => {
        entered();
        window.scrollTo(0, place);
      });
    };
    window.addEventListener('hashchange', change);
    return () => window.removeEventListener('hashchange', change);
  }

  go(route: Route): void {
    location.hash = addressOf(route);
  }
}
