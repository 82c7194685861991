import { inject, onScopeDispose, provide, watch, type InjectionKey, type Ref } from 'vue'
import type { ShownView, Showing } from '@/call/showing'

const KEY: InjectionKey<Showing> = Symbol('showing')

/** Lets the pictures below tell how large they are. */
export function provideShowing(showing: Showing): void {
  provide(KEY, showing)
}

interface Size {
  width: number
  height: number
}

/** Before the first picture, a camera's usual shape is assumed. */
const USUAL: Size = { width: 16, height: 9 }

/** How many lines a whole picture has, in device pixels, that covers a box of so many CSS pixels. */
export function coveringLines(box: Size, picture: Size, pixelRatio: number): number {
  const { width, height } = picture.width > 0 && picture.height > 0 ? picture : USUAL
  return Math.ceil(Math.max(box.height, (box.width * height) / width) * pixelRatio)
}

/** Tells, for as long as there is an element, how many lines of a peer's camera it shows; none while nobody can see it. */
export function useShownLines(video: Readonly<Ref<HTMLVideoElement | null>>, peer: () => string | null): void {
  const showing = inject(KEY, null)
  if (!showing) return
  let end = () => {}
  watch([video, peer], ([element, peer]) => {
    end()
    end = element && peer !== null ? follow(element, showing.view(peer)) : () => {}
  }, { immediate: true, flush: 'post' })
  onScopeDispose(() => end())
}

function follow(video: HTMLVideoElement, view: ShownView): () => void {
  const { ownerDocument: page } = video
  // A small window above others is a realm of its own, which sees what is in sight there.
  const window = page.defaultView ?? globalThis.window
  /** The browser's own small window with this video alone. */
  let small: PictureInPictureWindow | null = null
  let inSight = true

  const tell = () => {
    const picture = { width: video.videoWidth, height: video.videoHeight }
    const ratio = window.devicePixelRatio
    const seen = inSight && page.visibilityState !== 'hidden'
    view.set(Math.max(seen ? coveringLines(video.getBoundingClientRect(), picture, ratio) : 0, small ? coveringLines(small, picture, ratio) : 0))
  }
  const size = new window.ResizeObserver(tell)
  // Tiles of a strip can be scrolled out of sight.
  const sight = new window.IntersectionObserver((entries) => {
    inSight = entries.at(-1)?.isIntersecting ?? true
    tell()
  })
  const float = ({ pictureInPictureWindow }: PictureInPictureEvent) => {
    small = pictureInPictureWindow
    small.addEventListener('resize', tell)
    tell()
  }
  const dock = () => {
    small?.removeEventListener('resize', tell)
    small = null
    tell()
  }

  size.observe(video)
  sight.observe(video)
  video.addEventListener('resize', tell)
  video.addEventListener('enterpictureinpicture', float)
  video.addEventListener('leavepictureinpicture', dock)
  page.addEventListener('visibilitychange', tell)
  // With it, another zoom or screen changes how many pixels there are.
  window.addEventListener('resize', tell)
  tell()
  return () => {
    size.disconnect()
    sight.disconnect()
    small?.removeEventListener('resize', tell)
    video.removeEventListener('resize', tell)
    video.removeEventListener('enterpictureinpicture', float)
    video.removeEventListener('leavepictureinpicture', dock)
    page.removeEventListener('visibilitychange', tell)
    window.removeEventListener('resize', tell)
    view.end()
  }
}
