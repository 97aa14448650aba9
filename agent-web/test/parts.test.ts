import { expect, test } from "vitest";
import type { TimelineEvent } from "../src/api/types.ts";
import { details, groupOf, ladder, lastQuality } from "../src/parts/timeline.ts";
import { lane } from "../src/parts/wave.ts";
import { type Intent, micIn, NO_INTENT, settle, type Wish } from "../src/phone/speech.ts";
import type { CallView, ListenView } from "../src/phone/views.ts";

const event = (kind: string, more: Partial<TimelineEvent> = {}): TimelineEvent => ({
	at: "2026-11-23T00:00:00.000Z",
	kind,
	leg: "customer",
	text: "",
	data: null,
	...more,
});

test("the ladder takes the SIP messages, each with its way", () => {
	const rungs = ladder([
		event("sip", { text: "received INVITE", data: { sent: false, method: "INVITE", status: 0, transport: "udp" } }),
		event("flow", { text: "greets" }),
		event("sip", { text: "sent 486 Busy Here (INVITE)", data: { sent: true, status: 486, transport: "tcp" } }),
		event("sip", { text: "sent 200 OK (INVITE)", data: { sent: true, status: 200 } }),
		event("sip", { text: "received ACK" }),
	]);
	expect(rungs.map((r) => [r.way, r.summary, r.tone, r.transport])).toEqual([
		["in", "INVITE", "request", "UDP"],
		["out", "486 Busy Here (INVITE)", "failed", "TCP"],
		["out", "200 OK (INVITE)", "ok", ""],
		["in", "ACK", "request", ""],
	]);
});

test("every kind has a group, a new one too", () => {
	expect([groupOf("sip"), groupOf("consent"), groupOf("offer"), groupOf("end"), groupOf("something_new")]).toEqual([
		"sip",
		"flow",
		"queue",
		"call",
		"call",
	]);
});

test("quality is the last of each leg", () => {
	const rows = lastQuality([
		event("quality", { data: { score: 3 } }),
		event("quality", { leg: "agent", data: { score: 4 } }),
		event("quality", { data: { score: 4.2 } }),
	]);
	expect(rows).toEqual([
		{ leg: "customer", data: { score: 4.2 } },
		{ leg: "agent", data: { score: 4 } },
	]);
});

test("details leave out what is missing", () => {
	expect(
		details(event("offer", { data: { agent: "alice", why: null, skipped: [{ agent: "bob" }], note: "" } })),
	).toEqual([
		["agent", "alice"],
		["skipped", '[{"agent":"bob"}]'],
	]);
	expect(details(event("end", { data: null }))).toEqual([]);
});

test("a lane is closed, stays in its half, and shows silence as a hair line", () => {
	expect(lane([], 50)).toBe("");
	const path = lane([0, 1, 7, -1], 50);
	expect(path).toMatch(/^M0\.00 49\.4L250\.00 49\.4/);
	expect(path.endsWith("z")).toBe(true);
	const heights = [...path.matchAll(/ (-?[\d.]+)/g)].map((m) => Number(m[1]));
	expect(Math.min(...heights)).toBe(4);
	expect(Math.max(...heights)).toBe(96);
});

const call = (phase: CallView["phase"], muted = false) => ({ contact: "c1", phase, muted }) as CallView;
const answering = { ...NO_INTENT, answering: "c1" };
const wish = (want: Wish["want"], contact = "c1"): Wish => ({ contact, want });
const muting = { ...NO_INTENT, muting: wish("on") };
const unmuting = { ...NO_INTENT, muting: wish("off") };

test.each([
	[null, NO_INTENT, "off"],
	[call("ringing"), NO_INTENT, "off"],
	[call("ringing"), answering, "open"],
	[call("ringing"), { ...NO_INTENT, answering: "c0" }, "off"],
	[call("talking"), NO_INTENT, "open"],
	[call("talking"), muting, "silent"],
	[call("talking", true), NO_INTENT, "silent"],
	[call("talking", true), unmuting, "silent"],
	[call("talking"), { ...NO_INTENT, holding: wish("on") }, "silent"],
	[call("hold"), { ...NO_INTENT, holding: wish("off") }, "silent"],
	[call("talking"), { ...NO_INTENT, muting: wish("on", "c0"), holding: wish("on", "c0") }, "open"],
	[call("wrap_up"), answering, "off"],
])("the microphone in %o with %o is %s", (view, intent, mode) => {
	expect(micIn(view, intent)).toBe(mode);
});

test("an intent lasts until the server has done it", () => {
	expect(settle(answering, call("ringing"), false)).toEqual(answering);
	expect(settle(answering, call("talking"), false)).toEqual(NO_INTENT);
	expect(settle(muting, call("talking"), false)).toEqual(muting);
	expect(settle(muting, call("talking", true), false)).toEqual(NO_INTENT);
	expect(settle(muting, call("wrap_up"), false)).toEqual(NO_INTENT);
	expect(settle({ ...NO_INTENT, holding: wish("on") }, call("hold"), false)).toEqual(NO_INTENT);
	expect(settle({ ...NO_INTENT, muting: wish("on", "c0") }, call("talking"), false)).toEqual(NO_INTENT);
	const pausing = { ...NO_INTENT, pausing: wish("on") };
	expect(settle(pausing, { ...call("talking"), recording: "on" }, false)).toEqual(pausing);
	expect(settle(pausing, { ...call("talking"), recording: "paused" }, false)).toEqual(NO_INTENT);
	const raising: Intent = { ...NO_INTENT, raising: "on" };
	expect(settle(raising, null, false)).toEqual(raising);
	expect(settle(raising, null, true)).toEqual(NO_INTENT);
});

test("a supervisor's microphone is open while they are heard, an agent's on hold while they are spoken to", () => {
	const listen = (mode: ListenView["mode"]) => ({ contact: "c1", mode, since: "", codec: "PCMU" });
	expect(micIn(null, NO_INTENT, listen("listen"))).toBe("off");
	expect(micIn(null, NO_INTENT, listen("whisper"))).toBe("open");
	expect(micIn(null, NO_INTENT, listen("barge"))).toBe("open");
	const coached = { ...call("hold"), coach: { name: "Sam", mode: "whisper" as const } };
	expect(micIn(coached, NO_INTENT)).toBe("open");
	expect(micIn({ ...coached, muted: true }, NO_INTENT)).toBe("silent");
});
