import { expect, test } from "vitest";
import { refusalsZh } from "../src/i18n/zh.refusals.ts";
import { flowZh, timelineZh } from "../src/i18n/zh.timeline.ts";
import { type About, inChinese } from "../src/parts/said.ts";

test.each<[string, string, About?]>([
	["received INVITE", "收到 INVITE"],
	["begins full.yaml version d59b87ad", "开始 full.yaml，版本 d59b87ad"],
	["consent to recording: announced", "录音许可：已告知"],
	[
		"waits in queue sales now: waited 120 s, which is the longest for this queue",
		"改在队列 sales 中等待：等待了 120 秒，已达队列上限",
	],
	["offered to alice: longest idle 3 s, has sales>=2", "分配给 alice：空闲最久，3 秒; 具备 sales>=2"],
	["the offer to alice ended: timeout", "对 alice 的分配结束：无人应答"],
	["recording paused", "录音暂停"],
	["recording sealed", "录音已封存"],
	["open (by the override)", "营业中（由流程的开关决定）", "flow"],
	["closed (holiday 2026-12-25)", "已停止营业（节假日 2026-12-25）", "flow"],
	["chose who listens", "选择了 who listens", "flow"],
	["sales (EU)", "sales (EU)"],
	["waits in queue support now: transferred by alice", "改在队列 support 中等待：由 alice 转接"],
	["the call out failed: the line is busy", "外呼失败：对方忙"],
	[
		"the script cannot be played: a.yaml:3:1: no such key\na.yaml:9:5: no such node",
		"脚本无法运行：a.yaml:3:1: no such key\na.yaml:9:5: no such node",
		"refused",
	],
	["bob cannot be rung now: in a call", "现在不能呼叫 bob：通话中", "refused"],
	["you are in wrap_up; finish that first", "您正处于话后处理，请先结束", "refused"],
	["another agent has answered this call", "另一位坐席已接听", "refused"],
	["a number outside left the call", "外线 离开通话"],
	["bob left the call", "bob 离开通话"],
	["no longer: the agent's microphone is silent", "已恢复：坐席的麦克风没有声音"],
	["ended by the customer: hung up", "客户结束了通话：挂断"],
	["ended by the system: sam tore the call down", "系统结束了通话：sam 强制结束了通话"],
	["alice handed the call to bob by telephone, after talking to them", "alice 先通话，再用话机把通话转给 bob"],
	["something of a later version", "something of a later version"],
	["", ""],
])("%s", (english, chinese, about) => {
	expect(inChinese(english, about)).toBe(chinese);
});

test.each([...timelineZh, ...flowZh, ...refusalsZh])("%s has the same holes in both", (english, chinese) => {
	const holes = (text: string) => [...text.matchAll(/\{=?(\d)\}/g)].map((m) => m[1]).sort();
	expect(holes(chinese)).toEqual(holes(english));
	expect(chinese).toMatch(/\p{Script=Han}|[（；]/u);
});
