// Words about who may be in a room.
export const rooms = {} as const
