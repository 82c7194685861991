// Words about the check of devices and network before a call, about the tiles, and about what a call does unasked.
export const check = {
  'layout.grid': 'Side by side',
  'layout.speaker': 'Speaker large',
  'layout.auto.said': 'The page arranges the tiles by itself',
  'layout.grid.said': 'All tiles have one size',
  'layout.speaker.said': 'Whoever speaks is shown large',
  'layout.pin': 'Keep large',
  'layout.unpin': 'No longer keep large',
  'layout.pin.said': '{name} stays large',
  'layout.unpin.said': '{name} is no longer kept large',
  'layout.pinned': 'Kept large by you',
  'layout.picture': 'Small window on top',
  'layout.picture.hint': 'Shows the speaker above other programs',

  'manners.talking': 'They hear you for as long as you hold the space bar',
  'manners.muted': 'You are talking, but your microphone is off',
  'manners.muted.body': 'Nobody hears you. Turn it on, or hold the space bar while you talk.',

  'settings.keys.space': 'Space',
  'settings.keys.talk': 'Hold to talk while the microphone is off',
} as const
