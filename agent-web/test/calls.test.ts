// @vitest-environment jsdom
import { beforeEach, describe, expect, test } from "vitest";
import type { Targets } from "../src/api/types.ts";
import { choices } from "../src/parts/dialbox.ts";
import { networkTrouble } from "../src/parts/network.ts";
import { micIn, NO_INTENT } from "../src/phone/speech.ts";
import type { CallView, QualityView, SecondView } from "../src/phone/views.ts";
import { KeyMap } from "../src/state/keymap.svelte.ts";

const figures = (in_percent: number, out_percent: number | null, rtt_ms: number | null = 20): QualityView => ({
	loss_percent: Math.max(in_percent, out_percent ?? 0),
	jitter_ms: 1,
	rtt_ms,
	score: 4,
	in_percent,
	out_percent,
});

describe("the network in words", () => {
	const says = (own: QualityView | null, quality: QualityView | null, phase: CallView["phase"] = "talking") =>
		networkTrouble({ phase, own, quality }).map(({ key, n }) => `${key} ${n}`);
	test.each([
		["nothing is known", null, null, []],
		["all is well", figures(0.4, 0), figures(1.9, null), []],
		["ours both ways", figures(4, 3), figures(0, 0), ["net.own.both 4"]],
		["what we hear", figures(0, 5), null, ["net.own.heard 5"]],
		["what we say", figures(2, 1), null, ["net.own.said 2"]],
		["the customer's", figures(0, 0), figures(6, null), ["net.customer.said 6"]],
		["both sides", figures(0, 9), figures(0, 3), ["net.own.heard 9", "net.customer.heard 3"]],
		["far away", figures(0, 0, 450), null, ["net.own.slow 450"]],
	] as const)("%s", (_, own, quality, want) => {
		expect(says(own, quality)).toEqual(want);
	});
	test("only while one talks", () => {
		expect(says(figures(9, 9), figures(9, 9), "wrap_up")).toEqual([]);
		expect(says(figures(9, 9), null, "hold")).toEqual(["net.own.both 9"]);
	});
});

describe("the dial box", () => {
	const agent = (user: string, free: boolean) => ({
		user,
		name: user,
		state: free ? "available" : "away",
		reason: "",
		since: "",
		free,
	});
	const found: Targets = {
		agents: [agent("bob", true), agent("carol", false)],
		queues: [
			{ id: "sales", name: "Sales", waiting: 2, available: 1, staffed: 2 },
			{ id: "support", name: "Support", waiting: 0, available: 0, staffed: 0 },
		],
		numbers: ["13800000000", "110"],
		outside: true,
	};
	const ids = (typed: string, purpose: "consult" | "transfer") =>
		choices(found, typed, purpose).map((c) => `${c.to.id}${c.why && `:${c.why}`}`);
	test("lists who can be reached and says why others cannot", () => {
		expect(ids("", "transfer")).toEqual(["bob", "carol:busy", "sales", "support:unstaffed", "13800000000", "110"]);
		expect(ids("", "consult")).toEqual(["bob", "carol:busy", "sales:queue", "support:queue", "13800000000", "110"]);
	});
	test("takes what is typed as a number, once", () => {
		expect(ids("+49 (30) 12-34", "consult")[0]).toBe("+49301234");
		expect(ids("110", "consult").filter((id) => id === "110")).toEqual(["110"]);
		expect(ids("bo", "consult")).toEqual(["bob"]);
		expect(ids("supp", "transfer")).toEqual(["support:unstaffed"]);
		expect(choices({ ...found, numbers: null, outside: false }, "110", "consult")).toEqual([]);
		expect(choices(null, "110", "consult")).toEqual([]);
	});
});

describe("keys of one's own", () => {
	const acts = [
		{ act: "mute", key: "m" },
		{ act: "hold", key: "h" },
	] as const;
	beforeEach(() => localStorage.clear());
	test("are kept for each person, and may be none", () => {
		const keys = new KeyMap("alice", acts);
		expect(keys.set("mute", "Q")).toBe("ok");
		expect(keys.set("hold", "")).toBe("ok");
		const again = new KeyMap("alice", acts);
		expect([again.of("mute"), again.of("hold"), again.changed]).toEqual(["q", "", true]);
		expect(new KeyMap("bob", acts).of("mute")).toBe("m");
		again.reset();
		expect([again.of("mute"), again.of("hold"), again.changed]).toEqual(["m", "h", false]);
	});
	test("are not taken from another act, nor from the keypad", () => {
		const keys = new KeyMap("alice", acts);
		expect(keys.set("mute", "h")).toBe("hold");
		expect(["1", "#", "?", "F5", " "].map((k) => keys.set("mute", k))).toEqual([
			"unfit",
			"unfit",
			"unfit",
			"unfit",
			"unfit",
		]);
		expect(keys.set("mute", "m")).toBe("ok");
	});
	test("survive a store with nonsense in it", () => {
		for (const bad of ["{", "null", '{"mute": 5, "hold": "long"}']) {
			localStorage.setItem("callfloor.keys.alice", bad);
			const keys = new KeyMap("alice", acts);
			expect([keys.of("mute"), keys.of("hold")]).toEqual(["m", "h"]);
		}
	});
});

test("the microphone is open in a consultation, though the customer is on hold", () => {
	const second = (state: SecondView["state"]) => ({ state }) as SecondView;
	const call = (state: SecondView["state"], muted = false) =>
		({ contact: "c1", phase: "hold", muted, second: second(state) }) as CallView;
	expect(micIn(call("ringing"), NO_INTENT)).toBe("silent");
	expect(micIn(call("talking"), NO_INTENT)).toBe("open");
	expect(micIn(call("talking"), { ...NO_INTENT, muting: { contact: "c1", want: "on" } })).toBe("silent");
	expect(micIn(call("talking", true), NO_INTENT)).toBe("silent");
	expect(micIn(call("failed"), NO_INTENT)).toBe("silent");
});
