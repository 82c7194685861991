import { useOnline } from '@vueuse/core'
import { readonly, ref, watch, type Ref } from 'vue'
import { readConfig } from './identity'

/** `offline`: this device has no network. `away`: it has, but callmesh does not answer. */
export type Reach = 'reached' | 'offline' | 'away'

/** Whether there is a callmesh to talk to; looked at now, and whenever the network comes or goes. */
export function useReach(): { reach: Readonly<Ref<Reach>>; look: () => Promise<void> } {
  const online = useOnline()
  const reach = ref<Reach>('reached')
  let looks = 0

  async function look(): Promise<void> {
    const mine = ++looks
    if (!online.value) {
      reach.value = 'offline'
      return
    }
    const found = (await readConfig()) === null ? 'away' : 'reached'
    if (mine === looks) reach.value = found
  }

  watch(online, look, { immediate: true })
  return { reach: readonly(reach), look }
}
