import { describe, expect, it } from 'vitest'
import { createWords } from '@/i18n'
import { figureWords } from './qualityWords'

const camera = { width: 1280, height: 720, fps: 30 }
const said = (sample: Parameters<typeof figureWords>[0], language: 'en' | 'zh') => {
  const { t } = createWords(language).global
  return figureWords(sample).map(({ key, named }) => t(key, named))
}

describe('the figures of a tile', () => {
  it('tells what is lost and how large the pictures are', () => {
    const sample = { lossIn: 0.0034, received: { camera, screen: { ...camera, width: 1920, height: 1080 } } }
    expect(said(sample, 'en')).toEqual(['0.3 % lost', 'picture 1280 × 720', 'screen 1920 × 1080'])
    expect(said(sample, 'zh')).toEqual(['丢包 0.3 %', '画面 1280 × 720', '屏幕 1920 × 1080'])
  })

  it('leaves out what nobody knows', () => {
    expect(said({ lossIn: null, received: {} }, 'en')).toEqual([])
    expect(said({ lossIn: 0, received: {} }, 'en')).toEqual(['0 % lost'])
  })
})
