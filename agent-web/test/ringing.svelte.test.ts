// @vitest-environment jsdom
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ringing } from "../src/parts/ringing.svelte.ts";
import type { CallView } from "../src/phone/views.ts";
import type { App } from "../src/state/app.svelte.ts";
import type { Seat } from "../src/state/seat.svelte.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A seat whose call and tab the test changes; heard is what came of it, in order. */
function seatOf(tab: "phone" | "elsewhere") {
	const heard: string[] = [];
	const doc = $state<{ call: Partial<CallView> | null }>({ call: null });
	const state = $state({ link: { at: "live" }, tab });
	const seat = {
		doc,
		state,
		ringer: { start: () => heard.push("beep"), stop: () => heard.push("quiet") },
		phone: { answer: () => heard.push("answer") },
	} as unknown as Seat;
	const app = { t: (key: string) => key, run: () => undefined } as unknown as App;
	const end = $effect.root(() => ringing(app, seat));
	const rings = (call: Partial<CallView> | null) => {
		doc.call = call;
		flushSync();
	};
	flushSync();
	return { heard, rings, end, state };
}

describe("auto-answer", () => {
	const call: Partial<CallView> = { phase: "ringing", contact: "c1", auto_answer: true };

	test("beeps at once and answers a second later, once", () => {
		const { heard, rings, end } = seatOf("phone");
		rings(call);
		expect(heard).toEqual(["beep"]);
		vi.advanceTimersByTime(999);
		expect(heard).toEqual(["beep"]);
		vi.advanceTimersByTime(1);
		expect(heard).toEqual(["beep", "answer"]);
		rings({ ...call, phase: "talking" });
		vi.advanceTimersByTime(5000);
		expect(heard).toEqual(["beep", "answer", "quiet"]);
		end();
	});
	test("does not answer for a caller who has left", () => {
		const { heard, rings, end } = seatOf("phone");
		rings(call);
		vi.advanceTimersByTime(900);
		rings(null);
		vi.advanceTimersByTime(5000);
		expect(heard).toEqual(["beep", "quiet"]);
		end();
	});
	test("leaves a call without it, and one in a tab that is not the phone, to the agent", () => {
		for (const [tab, what] of [
			["phone", { ...call, auto_answer: false }],
			["elsewhere", call],
		] as const) {
			const { heard, rings, end } = seatOf(tab);
			rings(what);
			vi.advanceTimersByTime(5000);
			expect(heard).toEqual(["beep"]);
			end();
		}
	});
	test("waits for a live link", () => {
		const { heard, rings, end, state } = seatOf("phone");
		state.link.at = "lost";
		rings(call);
		vi.advanceTimersByTime(5000);
		expect(heard).not.toContain("answer");
		state.link.at = "live";
		flushSync();
		vi.advanceTimersByTime(1000);
		expect(heard).toContain("answer");
		end();
	});
});
