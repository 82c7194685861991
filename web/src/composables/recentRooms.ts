import { ref } from 'vue'

export interface RecentRoom {
  room: string
  /** Unix ms of the last visit. */
  at: number
}

const KEPT = 'callmesh.rooms'
const MOST = 6

/** The rooms visited from this device, the latest first. They are kept in this browser only. */
export function useRecentRooms(storage: Storage = localStorage) {
  const rooms = ref<RecentRoom[]>(read(storage))

  function keep(list: RecentRoom[]): void {
    rooms.value = list
    storage.setItem(KEPT, JSON.stringify(list))
  }

  return {
    rooms,
    visited(room: string, at: number = Date.now()): void {
      keep([{ room, at }, ...rooms.value.filter((other) => other.room !== room)].slice(0, MOST))
    },
    forget(room: string): void {
      keep(rooms.value.filter((other) => other.room !== room))
    },
  }
}

/** Whatever else is stored under our key, by an older page or by hand, is left out. */
function read(storage: Storage): RecentRoom[] {
  try {
    const list: unknown = JSON.parse(storage.getItem(KEPT) ?? '[]')
    return Array.isArray(list) ? list.filter(isRecentRoom).slice(0, MOST) : []
  } catch {
    return []
  }
}

function isRecentRoom(value: unknown): value is RecentRoom {
  const { room, at } = (value ?? {}) as Partial<RecentRoom>
  return typeof room === 'string' && room !== '' && typeof at === 'number' && Number.isFinite(at)
}
