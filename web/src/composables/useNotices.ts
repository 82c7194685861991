import { computed, onScopeDispose, ref, watch, type Ref } from 'vue'
import type { RoomSnapshot } from '@/call/state'
import type { MediaSnapshot } from '@/media/devices'
import { browserFamily } from './browserFamily'
import { callNotices, type Notice } from './callNotices'
import { deviceTroubles } from './deviceTrouble'

const RECOVERED_MS = 4_000
/** Most losses are over within this time, and nobody need know of them. */
const AWAY_MS = 1_000

/** All that is to be told over the call now. `dismiss` hides a notice until it would come anew. */
export function useNotices(sources: {
  room: () => RoomSnapshot
  devices: () => MediaSnapshot
  soundBlocked: Readonly<Ref<boolean>>
  features?: () => Notice[]
}) {
  const away = ref(false)
  const recovered = ref(false)
  const renamed = ref(false)
  const dismissed = ref(new Set<string>())
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(
    () => sources.room().signal,
    (now) => {
      clearTimeout(timer)
      recovered.value = now === 'open' && away.value
      away.value = false
      if (recovered.value) timer = setTimeout(() => (recovered.value = false), RECOVERED_MS)
      if (now === 'reconnecting') timer = setTimeout(() => (away.value = true), AWAY_MS)
    },
    { immediate: true },
  )
  watch(
    () => sources.room().self?.user.id,
    (now, before) => {
      if (now !== undefined && before !== undefined) renamed.value = true
    },
  )
  onScopeDispose(() => clearTimeout(timer))

  const all = computed<Notice[]>(() => [
    ...callNotices({
      room: sources.room(),
      away: away.value,
      recovered: recovered.value,
      renamed: renamed.value,
      soundBlocked: sources.soundBlocked.value,
    }),
    ...(sources.features?.() ?? []),
    ...deviceNotices(sources.devices()),
  ])

  // Whoever joined without a camera has been told in the lobby, so the troubles known at the start are not told again.
  for (const notice of deviceNotices(sources.devices())) dismissed.value.add(notice.id)

  // What has gone may be told again when it comes back.
  watch(all, (notices) => {
    for (const id of dismissed.value) {
      if (!notices.some((notice) => notice.id === id)) dismissed.value.delete(id)
    }
  })

  return {
    notices: computed(() => all.value.filter((notice) => !dismissed.value.has(notice.id))),
    dismiss: (id: string) => void dismissed.value.add(id),
  }
}

function deviceNotices(devices: MediaSnapshot): Notice[] {
  const notices = deviceTroubles(devices, browserFamily()).map(
    (trouble): Notice => ({
      id: `device-${trouble.title}`,
      tone: 'warn',
      title: { key: trouble.title, named: {} },
      body: { key: trouble.how, named: {} },
      act: 'dismiss',
    }),
  )
  if (devices.screen.problem !== null) {
    notices.push({
      id: 'screen',
      tone: 'warn',
      title: { key: 'screen.trouble', named: {} },
      body: { key: 'screen.trouble.how', named: {} },
      act: 'dismiss',
    })
  }
  return notices
}
