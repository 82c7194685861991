import { onScopeDispose, readonly, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { LocalMedia, type MediaSnapshot } from '@/media/devices'
import { restoreChoices } from './useEffects'

/** What the page does with devices. */
export type DeviceControls = Pick<
  LocalMedia,
  'setMicrophone' | 'setCamera' | 'startScreen' | 'stopScreen' | 'selectMicrophone' | 'selectCamera' | 'selectSpeaker' | 'onLevel' | 'setSound'
>

/** The reader's own devices for as long as the scope lives; all are let go of at its end. */
export function useLocalMedia(): { media: LocalMedia; devices: Readonly<ShallowRef<MediaSnapshot>> } {
  const media = new LocalMedia()
  restoreChoices(media)
  const devices = shallowRef(media.snapshot())
  const end = media.subscribe((snapshot) => (devices.value = snapshot))
  onScopeDispose(() => {
    end()
    media.dispose()
  })
  return { media, devices }
}

/** Loudness of the reader's own microphone, 0 to 1; measured while the scope lives. */
export function useLevel(media: DeviceControls): Readonly<Ref<number>> {
  const level = ref(0)
  onScopeDispose(media.onLevel((now) => (level.value = now)))
  return readonly(level)
}
