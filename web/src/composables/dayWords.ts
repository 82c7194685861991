/** When something was: the time alone for today, else with the day. `language` is the reader's own kind, such as en-GB. */
export function dayWords(at: number, language: string, now: number = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)]
  const time: Intl.DateTimeFormatOptions = { hour: 'numeric', minute: '2-digit' }
  if (then.toDateString() === today.toDateString()) return new Intl.DateTimeFormat(language, time).format(then)
  const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', ...(then.getFullYear() !== today.getFullYear() && { year: 'numeric' }) }
  return new Intl.DateTimeFormat(language, { ...day, ...time }).format(then)
}
