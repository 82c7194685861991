// Words about the check of devices and network before a call.
export const check = {} as const
