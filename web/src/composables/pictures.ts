// Pictures of people: our own, and those that others gave of themselves in calls. They are kept in this browser.
import { readonly, ref, shallowReactive } from 'vue'
import { checkedPicture, PICTURE_CHARS } from '@/call/picture'

const OWN = 'callmesh.picture'
const OTHERS = 'callmesh.pictures'
/** So many others' are kept, those of whom we met last. */
const MOST_OTHERS = 60
/** From the best looks down, until it is small enough: edge in pixels, and quality. */
const TRIES = [[96, 0.75], [96, 0.6], [96, 0.45], [80, 0.5], [64, 0.5], [48, 0.5]] as const

const own = ref<string | null>(checkedPicture(stored(OWN)))
const others = shallowReactive(new Map<string, string>(readOthers()))

/** Ours; null if we have none. */
export const ownPicture = readonly(own)

/** What we know somebody by; null if by nothing but the name. */
export function pictureOf(user: string): string | null {
  return others.get(user) ?? null
}

export function setOwnPicture(picture: string | null): void {
  own.value = checkedPicture(picture)
  store(OWN, own.value)
}

/** Notes what somebody gave of themselves; a checked one. */
export function learnPicture(user: string, picture: string | null): void {
  if ((others.get(user) ?? null) === picture) return
  others.delete(user)
  if (picture !== null) others.set(user, picture)
  for (const [oldest] of others) {
    if (others.size <= MOST_OTHERS) break
    others.delete(oldest)
  }
  store(OTHERS, JSON.stringify([...others]))
}

/** Makes a picture of an image file: its middle, small enough to travel. Rejects if the file is no image that the browser can read. */
export async function pictureFrom(file: Blob): Promise<string> {
  const image = await createImageBitmap(file)
  try {
    const side = Math.min(image.width, image.height)
    const canvas = document.createElement('canvas')
    for (const [edge, quality] of TRIES) {
      canvas.width = canvas.height = edge
      canvas.getContext('2d')?.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, edge, edge)
      for (const type of ['image/webp', 'image/jpeg']) {
        const picture = canvas.toDataURL(type, quality)
        // A browser that cannot write a type gives PNG, which is large.
        if (picture.startsWith(`data:${type}`) && picture.length <= PICTURE_CHARS) return picture
      }
    }
  } finally {
    image.close()
  }
  throw new Error('the picture could not be made small enough')
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // Full, or not allowed: then it lasts as long as the page.
  }
}

function readOthers(): [string, string][] {
  try {
    const list: unknown = JSON.parse(stored(OTHERS) ?? '[]')
    if (!Array.isArray(list)) return []
    return list.flatMap((entry: unknown): [string, string][] => {
      const [user, picture] = Array.isArray(entry) ? (entry as unknown[]) : []
      const checked = checkedPicture(picture)
      return typeof user === 'string' && checked !== null ? [[user, checked]] : []
    }).slice(-MOST_OTHERS)
  } catch {
    return []
  }
}
