// Words about contacts, ringing and who one is.
export const people = {} as const
