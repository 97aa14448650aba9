import type { toldEn } from "./en.told.ts";

export const toldZh: Record<keyof typeof toldEn, string> = {
	"told.label": "机器人转交",
	"told.summary": "摘要",
	"told.intent": "诉求",
	"told.sentiment": "情绪",
	"told.tries": "尝试次数",
	"told.slots": "详情",
	"told.transcript": "对话记录",
	"told.flow": "菜单信息",
	"told.csat": "满意度",
	"told.csat.of": "{n} / 5",
	"told.yes": "是",
	"told.no": "否",
};
