import type { rooms as english } from '../en/rooms'

export const rooms: Record<keyof typeof english, string> = {}
