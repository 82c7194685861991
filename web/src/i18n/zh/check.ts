import type { check as english } from '../en/check'

export const check: Record<keyof typeof english, string> = {}
