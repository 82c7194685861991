import type { check as english } from '../en/check'

export const check: Record<keyof typeof english, string> = {
  'layout.grid': '并排显示',
  'layout.speaker': '放大发言人',
  'layout.auto.said': '画面由页面自动排列',
  'layout.grid.said': '所有画面一样大',
  'layout.speaker.said': '谁说话就放大谁',
  'layout.pin': '固定放大',
  'layout.unpin': '取消固定',
  'layout.pin.said': '已固定放大 {name}',
  'layout.unpin.said': '已取消固定 {name}',
  'layout.pinned': '由你固定放大',
  'layout.picture': '置顶小窗',
  'layout.picture.hint': '在其他程序上方显示发言人',

  'manners.talking': '按住空格键期间，别人能听到你',
  'manners.muted': '你在说话，但麦克风是关着的',
  'manners.muted.body': '没有人听得到。请打开麦克风，或在说话时按住空格键。',

  'settings.keys.space': '空格',
  'settings.keys.talk': '麦克风关闭时，按住说话',
}
