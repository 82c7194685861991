import type { quality as english } from '../en/quality'

export const quality: Record<keyof typeof english, string> = {}
