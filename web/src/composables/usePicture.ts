import { readonly, ref, shallowRef } from 'vue'
import { tileHeight } from '@/call/quality/plan'
import { ALL_LINES } from '@/call/showing'
import type { About } from '@/media/library/item'
import { short } from '@/media/record/scene'
import type { CallContext } from './callFeature'
import { callScene, SELF } from './callScene'
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

  /** Has these cameras sent with all their lines meanwhile, and says of which more is to come than there is. */
  async function enlarged<T>(cameras: { peer: string; track: MediaStreamTrack }[], take: (larger: MediaStreamTrack[]) => Promise<T>): Promise<T> {
    const { showing } = context.call
    const { peers, sends } = context.room()
    // Nobody sends more than makes sense for so many, and what can't come is not waited for.
    const most = tileHeight(peers.length + 1, sends.screen || peers.some((peer) => peer.sends.screen))
    const held = cameras.filter(({ peer }) => showing.holdsBack(peer, most))
    const views = held.map(({ peer }) => showing.view(peer))
    for (const view of views) view.set(ALL_LINES)
    try {
      return await take(held.map(({ track }) => track))
    } finally {
      for (const view of views) view.end()
    }
  }

  return {
    taken,
    failed: readonly(failed),
    /** Of one track, in its own size; of a peer's camera, in the largest that it sends. */
    ofTrack(track: MediaStreamTrack, name: string, camera: string | null = null): Promise<void> {
      const who = short(name)
      return shoot({ title: who, who: [who] }, () =>
        enlarged(camera === null ? [] : [{ peer: camera, track }], async (larger) => (await import('@/media/picture/shoot')).shootTrack(track, larger)))
    },
    ofCall(): Promise<void> {
      const scene = callScene(context.room(), context.devices(), null)
      const about = { title: title(context.room().room), who: scene.people.slice(0, 50).map(({ name }) => short(name)) }
      const cameras = scene.people.flatMap(({ id, camera }) => (camera && id !== SELF ? [{ peer: id, track: camera }] : []))
      return shoot(about, () => enlarged(cameras, async (larger) => (await import('@/media/picture/shoot')).shootScene(scene, larger)))
    },
    close(): void {
      taken.value = null
    },
  }
}

export type PictureDesk = ReturnType<typeof usePicture>
