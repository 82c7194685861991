// Words about what happens inside a call: chat, files, reactions, layouts.
export const talk = {} as const
