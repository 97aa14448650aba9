// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Session } from "../src/api/types.ts";
import type { CallView, TagGroup } from "../src/phone/views.ts";
import type { App } from "../src/state/app.svelte.ts";
import { ACTS, Desk } from "../src/state/desk.svelte.ts";
import type { Seat } from "../src/state/seat.svelte.ts";

beforeEach(() => localStorage.clear());

/** What an agent with this call can do, each act with why not. */
function reasons(call: Partial<CallView>, groups: TagGroup[] = [], me: object | null = null): Record<string, string> {
	const app = { t: (key: string) => key, label: (of: { id: string }) => of.id } as unknown as App;
	const doc = {
		call: { contact: "c1", second: null, helps: false, recording: "on", ...call },
		me,
		parked: [],
		tags: groups,
	};
	const seat = {
		state: { link: { at: "live" } },
		doc,
		video: { source: "", next: "", told: null },
		cameraNow: { at: "off" },
	} as unknown as Seat;
	const desk = new Desk(app, seat, { user: "alice", role: "agent" } as Session);
	return { ...Object.fromEntries(ACTS.map(({ act }) => [act, desk.whyNot(act)])), extend: desk.whyNotExtend() };
}

describe("what a task allows", () => {
	const ofTalk = ["mute", "hold", "keypad", "transfer", "consult", "swap", "merge", "drop", "park", "pause"];
	test.each([
		["a voicemail that is listened to", { phase: "talking", kind: "voicemail", answered: null }],
		["a callback that nobody has answered", { phase: "talking", kind: "callback", answered: null }],
	] as const)("%s: nobody is on the line", (_, call) => {
		const why = reasons(call);
		for (const act of ofTalk) expect(why[act], act).toBe("why.task");
		expect(why.end).toBe("");
	});
	test("a callback whose customer answered is a call like any other", () => {
		const why = reasons({ phase: "talking", kind: "callback", answered: "2026-01-02T15:04:05Z" });
		for (const act of ["mute", "hold", "keypad", "transfer", "consult", "park", "pause", "end"]) {
			expect(why[act], act).toBe("");
		}
	});
	test("a voicemail that rings is answered, one that is over is written up", () => {
		expect(reasons({ phase: "ringing", kind: "voicemail" }).answer).toBe("");
		expect(reasons({ phase: "wrap_up", kind: "voicemail" }).done).toBe("");
		expect(reasons({ phase: "wrap_up", kind: "voicemail" }).hold).toBe("why.talking");
	});
});

test("what rings at the telephone on the desk is answered there, a task here", () => {
	const me = { telephone: true };
	const why = reasons({ phase: "ringing" }, [], me);
	expect([why.answer, why.decline]).toEqual(["why.telephone", ""]);
	expect(reasons({ phase: "ringing", kind: "callback" }, [], me).answer).toBe("");
	expect(reasons({ phase: "talking" }, [], me).hold).toBe("");
});

test("a wrap-up is done when no required group lacks a tag", () => {
	const group: TagGroup = { id: "topic", label: { en: "", zh: "" }, required: true, many: false, tags: [] };
	expect(reasons({ phase: "wrap_up" }, [group]).done).toBe("why.tags");
	expect(reasons({ phase: "wrap_up" }, [{ ...group, required: false }]).done).toBe("");
	expect(reasons({ phase: "wrap_up", kind: "voicemail" }, [group]).done).toBe("");
});

test("a wrap-up can be done, made longer and asked for as its mode allows", () => {
	const ways = (call: Partial<CallView>) => {
		const why = reasons(call);
		return [why.done, why.notes, why.extend];
	};
	expect(ways({ phase: "wrap_up", wrap_up: "timed" })).toEqual(["", "why.nochoice", ""]);
	expect(ways({ phase: "wrap_up", wrap_up: "fixed" })).toEqual(["why.fixed", "why.nochoice", ""]);
	expect(ways({ phase: "wrap_up", wrap_up: "mandatory" })).toEqual(["", "why.nochoice", "why.nolimit"]);
	expect(ways({ phase: "wrap_up", wrap_up: "optional" })).toEqual(["", "why.talking", ""]);
	expect(ways({ phase: "talking", wrap_up: "optional" })).toEqual(["why.wrapup", "", "why.wrapup"]);
	expect(ways({ phase: "talking", wrap_up: "fixed" })).toEqual(["why.wrapup", "why.nochoice", "why.wrapup"]);
});

test("pictures are for who can see them, and every act has a key of its own", () => {
	const video = { codec: "VP8", own: "", state: "", seen_by: [], shown: [] } as const;
	expect(reasons({ phase: "talking" }).video).toBe("why.novideo");
	expect(reasons({ phase: "ringing" }).video).toBe("why.talking");
	const why = reasons({ phase: "talking", video: { ...video, seen_by: [], shown: [] } });
	expect(why.video).toBe("");
	expect(why.share).toBe("why.noshare"); // this browser is none
	expect([why.blur, why.self, why.large, why.full]).toEqual([
		"why.nocamera",
		"why.noown",
		"why.nopicture",
		"why.nopicture",
	]);
	const keys = ACTS.map(({ key }) => key);
	expect(new Set(keys).size).toBe(keys.length);
});

test("people are called by their names, those who are not at work once they were asked for", async () => {
	const names = vi.fn(async () => ({ alice: "Alice", li: "Li Na" }));
	const app = { api: { names } } as unknown as App;
	const seat = { doc: { agents: [{ user: "bob", name: "Bob" }] } } as unknown as Seat;
	const desk = new Desk(app, seat, { user: "sam", role: "supervisor" } as Session);
	const called = () => ["bob", "li", "gone", ""].map(desk.personName);
	expect(called()).toEqual(["Bob", "li", "gone", ""]);
	names.mockRejectedValueOnce(new Error("down"));
	await desk.meet(["bob", "li", "gone", null]);
	expect(called()).toEqual(["Bob", "li", "gone", ""]);
	await desk.meet(["bob", "li", "gone", null]); // again: it failed
	await desk.meet(["li", "gone", undefined]); // a user of nobody's is asked for once
	expect(called()).toEqual(["Bob", "Li Na", "gone", ""]);
	expect(names).toHaveBeenCalledTimes(2);
});
