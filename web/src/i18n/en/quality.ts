// Words about how good a call is, and why.
export const quality = {} as const
