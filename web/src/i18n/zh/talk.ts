import type { talk as english } from '../en/talk'

export const talk: Record<keyof typeof english, string> = {}
