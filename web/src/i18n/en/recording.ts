// Words about pictures, recordings and the library.
export const recording = {} as const
