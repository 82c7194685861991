import { SYMBOLS } from '@/call/safety'
import type { Language } from '.'

// Emoji with their names. A table of its own, as it is loaded when somebody wants an emoji and not before: each line has what stands in a text, then
// what it is called in both languages. Further words, behind a bar, are for the search alone.

export interface Emoji {
  text: string
  names: Record<Language, string>
  /** What the search looks at, in lower case. */
  words: string
}

const FACES = `
😀 grin|happy smile 咧嘴笑|开心
😄 laughing eyes|happy smile 大笑|高兴
😂 tears of joy|lol laugh 笑哭|笑死
🙂 slight smile|ok 微笑
😉 wink 眨眼
😊 blush|happy 害羞|开心
😍 heart eyes|love 喜欢|爱心眼
😘 kiss 飞吻|亲亲
😎 sunglasses|cool 墨镜|酷
🤔 thinking|hmm 思考|想想
😐 neutral|meh 面无表情
🙄 rolling eyes 白眼
😴 asleep|tired sleep 睡觉|困
😮 surprised|wow oh 惊讶|哇
😅 relieved sweat|phew 尴尬笑|汗
😢 crying|sad tear 流泪|难过
😭 sobbing|sad 大哭|伤心
😡 angry|mad 生气|愤怒
😱 scream|shock 惊恐|吓
🥳 celebrating|party 庆祝|派对
👍 thumbs up|yes good 赞|好的
👎 thumbs down|no bad 踩|不好
👏 clap|applause bravo 鼓掌
🙌 raised hands|hooray 举手欢呼
🙏 thanks|please pray 谢谢|拜托
👋 wave|hello bye 挥手|你好 再见
✌️ victory|peace 胜利|耶
👌 fine|ok 没问题
💪 strong|muscle 加油|肌肉
🤝 handshake|deal 握手|成交
👀 eyes|look 眼睛|看
🫶 heart hands|love 比心
❤️ heart|love red 红心|爱
💔 broken heart|sad 心碎
🎉 party|congratulations hooray 撒花|恭喜 庆祝
✨ sparkles|new 闪光
🔥 fire|hot 火
💯 hundred|perfect 满分|一百
✅ done|check yes 完成|对勾
❌ cross|no wrong 错|叉
❓ question 问号|疑问
☕ coffee|break tea 咖啡|休息
`

// These stand for six bits each in a safety code: whoever reads one aloud must be understood, so no two look or sound alike. Their order is part of
// the code: changing it makes two versions of the page disagree.
const THINGS = `
🐶 dog 狗
🐱 cat 猫
🦁 lion 狮子
🐴 horse 马
🐘 elephant 大象
🐰 rabbit 兔子
🐼 panda 熊猫
🐔 rooster 公鸡
🐧 penguin 企鹅
🐢 turtle 乌龟
🐟 fish 鱼
🐙 octopus 章鱼
🦋 butterfly 蝴蝶
🐝 bee 蜜蜂
🐍 snake 蛇
🦉 owl 猫头鹰
🌳 tree 大树
🌵 cactus 仙人掌
🌻 sunflower 向日葵
🍄 mushroom 蘑菇
🍎 apple 苹果
🍌 banana 香蕉
🍇 grapes 葡萄
🍓 strawberry 草莓
🍋 lemon 柠檬
🥕 carrot 胡萝卜
🌽 corn 玉米
🍕 pizza 披萨
🍰 cake 蛋糕
🥚 egg 鸡蛋
🌙 moon 月亮
☀️ sun 太阳
⭐ star 星星
☁️ cloud 云
⛄ snowman 雪人
🌈 rainbow 彩虹
⚡ lightning 闪电
🌊 sea wave 海浪
⛰️ mountain 高山
🚗 car 汽车
🚲 bicycle 自行车
🚂 train 火车
✈️ airplane 飞机
🚀 rocket 火箭
⛵ sailing boat 帆船
⚓ anchor 船锚
🏠 house 房子
🏰 castle 城堡
⛺ tent 帐篷
🔑 key 钥匙
🔨 hammer 锤子
✂️ scissors 剪刀
☂️ umbrella 雨伞
⌚ watch 手表
📷 camera 照相机
📖 book 书
✏️ pencil 铅笔
🎈 balloon 气球
🎁 present 礼物
🎸 guitar 吉他
🥁 drum 鼓
🔔 bell 铃铛
⚽ football 足球
👑 crown 皇冠
`

export const faces = read(FACES)
export const things = read(THINGS)
if (things.length !== SYMBOLS) throw new Error(`${things.length} emoji for safety codes: want ${SYMBOLS}`)

/** Those that a search in either language finds; all for an empty one. */
export function findEmoji(search: string): Emoji[] {
  const wanted = search.trim().toLocaleLowerCase().split(/\s+/)
  return [...faces, ...things].filter(({ words, text }) => wanted.every((word) => words.includes(word) || text === word))
}

function read(table: string): Emoji[] {
  return table.trim().split('\n').map((line) => {
    const [, text, english, chinese] = /^(\S+) (.*?) (\p{Script=Han}.*)$/u.exec(line)!
    return { text: text!, names: { en: english!.split('|')[0]!, zh: chinese!.split('|')[0]! }, words: `${english} ${chinese}`.replaceAll('|', ' ').toLowerCase() }
  })
}
