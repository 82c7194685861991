import type { recording as english } from '../en/recording'

export const recording: Record<keyof typeof english, string> = {}
