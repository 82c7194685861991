import { readonly, ref, shallowRef } from 'vue'
import type { About } from '@/media/library/item'
import { short } from '@/media/record/scene'
import type { CallContext } from './callFeature'
import { callScene } from './callScene'
import { useRoomTitle } from './useRoomTitle'

export interface TakenPicture {
  canvas: HTMLCanvasElement
  about: About
}

/** Taking pictures of a call, one at a time; `taken` is open until it is closed. */
export function usePicture(context: CallContext) {
  const { title } = useRoomTitle()
  const taken = shallowRef<TakenPicture | null>(null)
  const failed = ref(false)
  let taking = false

  async function shoot(about: About, picture: () => Promise<HTMLCanvasElement>): Promise<void> {
    if (taking) return
    taking = true
    failed.value = false
    try {
      taken.value = { canvas: await picture(), about }
    } catch {
      failed.value = true
    } finally {
      taking = false
    }
  }

  return {
    taken,
    failed: readonly(failed),
    /** Of one track, in its own size. */
    ofTrack(track: MediaStreamTrack, name: string): Promise<void> {
      const who = short(name)
      return shoot({ title: who, who: [who] }, async () => (await import('@/media/picture/shoot')).shootTrack(track))
    },
    ofCall(): Promise<void> {
      const scene = callScene(context.room(), context.devices(), null)
      const about = { title: title(context.room().room), who: scene.people.slice(0, 50).map(({ name }) => short(name)) }
      return shoot(about, async () => (await import('@/media/picture/shoot')).shootScene(scene))
    },
    close(): void {
      taken.value = null
    },
  }
}

export type PictureDesk = ReturnType<typeof usePicture>
