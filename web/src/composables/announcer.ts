import { readonly, ref } from 'vue'

// What the live region says. One region for the page: several would interrupt each other.
const said = ref('')

/** Tells a screen reader, without interrupting it. */
export function announce(text: string): void {
  // The same text twice would not be read again; a no-break space makes it another.
  said.value = said.value === text ? `${text}\u00a0` : text
}

export const announced = readonly(said)
