// What the page's service worker does with each request; the rules alone, so that they can be tested.

export type Handling =
  /** The page itself: from the network, and only without one from what is kept. */
  | 'page'
  /** A file whose name changes with what it holds: whichever comes first. */
  | 'asset'
  /** Not touched. */
  | 'pass'

interface Asked {
  method: string
  mode: string
  url: string
}

/** Nothing of the mesh is ever answered from what is kept: neither /v1 nor what tells of health. */
const MESH = /^\/(v1|livez|readyz|metrics)(\/|$)/
const ASSET = /^\/(assets|icons)\/|^\/(favicon\.svg|manifest\.json)$/

export function handling({ method, mode, url }: Asked, origin: string): Handling {
  const { origin: of, pathname } = new URL(url)
  if (method !== 'GET' || of !== origin || MESH.test(pathname)) return 'pass'
  if (mode === 'navigate') return 'page'
  return ASSET.test(pathname) ? 'asset' : 'pass'
}

/** Scripts and styles that were loaded when first used are kept for the next time without a network. Models and pictures are too large for that. */
export function worthKeeping(url: string): boolean {
  return /^\/assets\/[^/]+\.(js|css)$/.test(new URL(url).pathname)
}
