import type { effects as english } from '../en/effects'

export const effects: Record<keyof typeof english, string> = {}
