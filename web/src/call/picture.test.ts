// @vitest-environment node
import { expect, it } from 'vitest'
import { infoOf, pictureIn, sameInfo } from './info'

const SLOTS = { microphone: true, camera: false, screen: false, screenSound: false }
const STATUS = { hand: false, recording: false }
const PICTURE = 'data:image/webp;base64,UklGRg=='

it('a picture travels in what a peer says of itself', () => {
  expect(pictureIn(infoOf(SLOTS, STATUS, PICTURE))).toBe(PICTURE)
  expect(infoOf(SLOTS, STATUS)).toEqual({ slots: SLOTS })
  expect(sameInfo(infoOf(SLOTS, STATUS, PICTURE), infoOf(SLOTS, STATUS))).toBe(false)
})

it.each([
  null, 'x', {}, { picture: 3 }, { picture: 'https://elsewhere.example/x.png' }, { picture: 'data:image/svg+xml;base64,AAAA' }, { picture: 'data:text/html;base64,AAAA' },
  { picture: 'data:image/png;base64,<script>' }, { picture: `data:image/png;base64,${'A'.repeat(3_000)}` }, { picture: 'javascript:alert(1)' },
])('is nothing else: %j', (info) => expect(pictureIn(info)).toBeNull())
