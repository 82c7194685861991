import { computed, onScopeDispose, readonly, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

/** W3C Document Picture-in-Picture, which TypeScript's DOM does not have yet. */
interface PictureWindows {
  requestWindow(options: { width: number; height: number }): Promise<Window>
}

/** CSS px; the browser may give another. */
const SIZE = { width: 360, height: 270 }

export interface PictureInPicture {
  readonly supported: boolean
  readonly open: Readonly<Ref<boolean>>
  /** Where a component can be put into the small window; null while there is none, or while the browser shows a bare video. */
  readonly place: Readonly<ShallowRef<HTMLElement | null>>
  /** Only from a click or a key: browsers insist. `peer` is whose video is shown where the browser can show nothing else. */
  toggle(peer: string | null): Promise<void>
}

/** A small window that stays above all others, as the browser has it: one with a page of its own, or one with a video. */
export function usePictureInPicture(): PictureInPicture {
  const windows = (window as unknown as { documentPictureInPicture?: PictureWindows }).documentPictureInPicture
  const page = shallowRef<Window | null>(null)
  const video = shallowRef<HTMLVideoElement | null>(null)
  const pending = ref(false)

  function close(): void {
    page.value?.close()
    page.value = null
    if (video.value && document.pictureInPictureElement === video.value) void document.exitPictureInPicture().catch(() => undefined)
    video.value = null
  }
  onScopeDispose(close)

  async function openPage(from: PictureWindows): Promise<void> {
    const made = await from.requestWindow(SIZE)
    const { document: inside } = made
    inside.documentElement.lang = document.documentElement.lang
    inside.documentElement.dataset.theme = 'dark'
    inside.title = document.title
    for (const style of document.head.querySelectorAll('link[rel="stylesheet"], style')) inside.head.append(style.cloneNode(true))
    made.addEventListener('pagehide', () => (page.value = null), { once: true })
    page.value = made
  }

  async function openVideo(peer: string): Promise<void> {
    const shown = document.querySelector<HTMLVideoElement>(`[data-testid="tile"][data-peer="${CSS.escape(peer)}"] video`)
    if (!shown) return
    await shown.requestPictureInPicture()
    shown.addEventListener('leavepictureinpicture', () => (video.value = null), { once: true })
    video.value = shown
  }

  return {
    supported: windows !== undefined || document.pictureInPictureEnabled === true,
    open: computed(() => page.value !== null || video.value !== null),
    place: readonly(computed(() => page.value?.document.body ?? null)) as Readonly<ShallowRef<HTMLElement | null>>,
    async toggle(peer) {
      if (page.value || video.value) {
        close()
        return
      }
      if (pending.value) return
      pending.value = true
      try {
        if (windows) await openPage(windows)
        else if (peer !== null) await openVideo(peer)
      } catch {
        // The browser did not allow it now: there is nothing to undo, and the call shows all the same.
      } finally {
        pending.value = false
      }
    },
  }
}
