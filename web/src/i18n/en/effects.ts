// Words about effects on picture and sound.
export const effects = {} as const
