// Draws public/icons/*.png from public/favicon.svg: `node build/drawIcons.mjs`, after the drawing was changed. What it makes is kept in the repository.
import { readFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import { chromium } from 'playwright-core'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const svg = readFileSync(file('../public/favicon.svg'), 'utf8')
// Systems cut such an icon to their own shape: no corners of ours, and the drawing within the inner four fifths (W3C Manifest, "maskable").
const full = svg.replace('rx="9"', '').replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"').replace('<rect width="32" height="32"', '<rect x="-4" y="-4" width="40" height="40"')

const icons = [
  { name: 'icon-192', size: 192, drawing: svg },
  { name: 'icon-512', size: 512, drawing: svg },
  { name: 'maskable-512', size: 512, drawing: full },
  { name: 'apple-touch-icon', size: 180, drawing: full },
]

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const page = await browser.newPage()
for (const { name, size, drawing } of icons) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`)
  await page.screenshot({ path: file(`../public/icons/${name}.png`), omitBackground: true })
}
await browser.close()
