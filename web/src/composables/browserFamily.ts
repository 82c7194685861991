export type BrowserFamily = 'chromium' | 'chromiumAndroid' | 'firefox' | 'safari' | 'ios' | 'other'

/** Which browser's settings to describe. A wrong guess only makes a hint less exact, so the user agent is good enough. */
export function browserFamily(agent: string = navigator.userAgent, touchPoints: number = navigator.maxTouchPoints): BrowserFamily {
  // Every browser on iOS has the system's settings; an iPad calls itself a Mac, but a Mac has no touch screen.
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touchPoints > 1)) return 'ios'
  if (/Firefox\//.test(agent)) return 'firefox'
  if (/Chrome\/|Chromium\//.test(agent)) return /Android/.test(agent) ? 'chromiumAndroid' : 'chromium'
  if (/Safari\//.test(agent)) return 'safari'
  return 'other'
}
