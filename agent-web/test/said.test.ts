import { expect, test } from "vitest";
import { type Key, type Language, type Params, translate, translateWord } from "../src/i18n/translate.ts";
import { timelineZh } from "../src/i18n/zh.timeline.ts";
import { said } from "../src/parts/said.ts";

const inLanguage = (language: Language) => ({
	t: (key: Key, params?: Params) => translate(language, key, params),
	word: (prefix: string, word: string) => translateWord(language, prefix, word),
	prefs: { language },
});

test.each([
	["received INVITE", "收到 INVITE"],
	["begins full.yaml version d59b87ad", "开始 full.yaml，版本 d59b87ad"],
	["consent to recording: announced", "录音许可：已告知"],
	[
		"waits in queue sales now: waited 2m, which is the longest for this queue",
		"改在队列 sales 中等待：等待了 2m，已达队列上限",
	],
	["offered to alice: longest idle 3 s, has sales>=2", "分配给 alice：空闲最久，3 秒; 具备 sales>=2"],
	["the offer to alice ended: timeout", "对 alice 的分配结束：无人应答"],
	["recording paused", "录音暂停"],
	["recording sealed", "录音已封存"],
	["open (by the override)", "营业中（由流程的开关决定）"],
	["a number outside left the call", "外线 离开通话"],
	["bob left the call", "bob 离开通话"],
	["no longer: the agent's microphone is silent", "已恢复：坐席的麦克风没有声音"],
	["ended by the customer: hung up", "客户结束了通话：挂断"],
	["ended by the system: sam tore the call down", "系统结束了通话：sam 强制结束了通话"],
	["alice handed the call to bob by telephone, after talking to them", "alice 先通话，再用话机把通话转给 bob"],
	["something of a later version", "something of a later version"],
	["", ""],
])("%s", (english, chinese) => {
	expect(said(inLanguage("zh"), english)).toBe(chinese);
	expect(said(inLanguage("en"), english)).toBe(english);
});

test.each(timelineZh)("%s has the same holes in both", (english, chinese) => {
	const holes = (text: string) => [...text.matchAll(/\{=?(\d)\}/g)].map((m) => m[1]).sort();
	expect(holes(chinese)).toEqual(holes(english));
	expect(chinese).toMatch(/\p{Script=Han}|[（；]/u);
});
