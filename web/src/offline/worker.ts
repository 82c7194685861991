// The page's service worker: without a network, the page still opens, and says so. It takes over from an older one only when no page of that is open,
// so no call is ever cut off from the files that it began with. It also takes the clicks on notifications of calls.
import { handling, worthKeeping } from './requests'
import { clicked, type PageClient } from './ringClick'

// The compiler knows a window's globals here; these are what a worker has instead (W3C Service Workers).
interface WorkerEvent extends Event {
  waitUntil(done: Promise<unknown>): void
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}
interface NotificationClick extends WorkerEvent {
  readonly notification: Notification
  readonly action: string
}
interface Worker {
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<PageClient[]>
    openWindow(url: string): Promise<unknown>
  }
  /** Written before this file by the build: what the page needs to open, and a name that changes with it. */
  readonly shell: { version: string; files: string[] }
  readonly location: Location
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'notificationclick', listener: (event: NotificationClick) => void): void
}

const worker = globalThis as unknown as Worker
const OURS = 'callmesh-'
const CURRENT = OURS + worker.shell.version
/** In a network that swallows packets, somebody who has waited for so long (ms) is given what is kept. */
const NETWORK_MS = 6_000

worker.addEventListener('install', (event) => {
  // From the network, not from the browser's own cache, which may hold an older page.
  const fresh = worker.shell.files.map((file) => new Request(file, { cache: 'reload' }))
  event.waitUntil(caches.open(CURRENT).then((cache) => cache.addAll(fresh)))
})

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name.startsWith(OURS) && name !== CURRENT).map((name) => caches.delete(name)))),
  )
})

worker.addEventListener('fetch', (event) => {
  const how = handling(event.request, worker.location.origin)
  if (how === 'page') event.respondWith(page(event.request))
  if (how === 'asset') event.respondWith(asset(event))
})

worker.addEventListener('notificationclick', (event) => {
  const { notification, action } = event
  notification.close()
  const { clients } = worker
  // A page that was opened before there was a worker is not controlled by it, but rings all the same.
  const pages = clients.matchAll({ type: 'window', includeUncontrolled: true })
  event.waitUntil(pages.then((all) => clicked(notification.tag, action, all, () => clients.openWindow('/'))))
})

async function page(request: Request): Promise<Response> {
  const kept = async () => (await (await caches.open(CURRENT)).match('/')) ?? Response.error()
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(NETWORK_MS) })
    // A proxy whose edges are all gone answers for them.
    return answer.status >= 500 ? await kept() : answer
  } catch {
    return kept()
  }
}

async function asset(event: FetchEvent): Promise<Response> {
  const { request } = event
  const cache = await caches.open(CURRENT)
  const kept = await cache.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  // A full disk keeps nothing more, and nobody from reading.
  if (answer.ok && worthKeeping(request.url)) event.waitUntil(cache.put(request, answer.clone()).catch(() => undefined))
  return answer
}
