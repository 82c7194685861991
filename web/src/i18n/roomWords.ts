import type { Language } from '.'

// What people call a room whose id says nothing: a colour and an animal that follow from the id, so that everybody there has the same, each in their
// own language. A room is still found by its id alone: two may well have one name.

const COLOURS = `
Amber 琥珀 | Azure 天蓝 | Black 黑色 | Blue 蓝色 | Bronze 古铜 | Copper 赤铜 | Coral 珊瑚 | Crimson 绯红
Emerald 翠绿 | Golden 金色 | Green 绿色 | Grey 灰色 | Indigo 靛蓝 | Ivory 象牙 | Jade 碧玉 | Lemon 柠黄
Lilac 丁香 | Lime 青柠 | Mint 薄荷 | Ochre 赭石 | Olive 橄榄 | Orange 橙色 | Pearl 珍珠 | Pink 粉色
Plum 梅紫 | Purple 紫色 | Red 红色 | Ruby 宝石红 | Scarlet 朱红 | Silver 银色 | Violet 紫罗兰 | White 白色
`
const ANIMALS = `
Badger 獾 | Bear 熊 | Beaver 河狸 | Bison 野牛 | Camel 骆驼 | Carp 鲤鱼 | Cat 猫 | Crab 螃蟹 | Crane 鹤 | Deer 鹿
Dolphin 海豚 | Dove 鸽子 | Dragonfly 蜻蜓 | Duck 鸭子 | Eagle 鹰 | Elephant 大象 | Finch 雀 | Fox 狐狸 | Frog 青蛙 | Giraffe 长颈鹿
Goose 大雁 | Hare 野兔 | Hawk 隼 | Hedgehog 刺猬 | Heron 苍鹭 | Horse 马 | Koala 考拉 | Lark 云雀 | Lion 狮子 | Lynx 猞猁
Magpie 喜鹊 | Mole 鼹鼠 | Moose 驼鹿 | Otter 水獭 | Owl 猫头鹰 | Panda 熊猫 | Parrot 鹦鹉 | Penguin 企鹅 | Robin 知更鸟 | Salmon 三文鱼
Seal 海豹 | Sparrow 麻雀 | Squirrel 松鼠 | Swan 天鹅 | Tiger 老虎 | Turtle 乌龟 | Whale 鲸 | Wolf 狼
`

type Names = Record<Language, string>

const colours = read(COLOURS)
const animals = read(ANIMALS)

/** Ids that programs made: rooms that somebody made to be moderated by them, rooms without a moderator, and those of calls that were rung. */
const MADE = /^(m-[a-z2-7]{26}|[a-z2-9]{4}(-[a-z2-9]{4}){2}|call-[a-z0-9]{20})$/

/** A room's name for people: what somebody typed as it is, and words for what a program made. */
export function roomWords(room: string, language: Language): string {
  if (!MADE.test(room)) return room
  const number = hash(room)
  const colour = colours[number % colours.length]![language]
  const animal = animals[Math.floor(number / colours.length) % animals.length]![language]
  return language === 'zh' ? colour + animal : `${colour} ${animal}`
}

/** FNV-1a, 32 bits, of ASCII. */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  // Its low bits alone are too regular.
  return (sum ^ (sum >>> 15)) >>> 0
}

function read(table: string): Names[] {
  return table.trim().split(/\n| \| /).map((entry) => {
    const [en = '', zh = ''] = entry.split(' ')
    return { en, zh }
  })
}
