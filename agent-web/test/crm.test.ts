// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { CallView } from "../src/phone/views.ts";
import type { App } from "../src/state/app.svelte.ts";
import { CrmDesk } from "../src/state/crm.svelte.ts";
import { heard, told } from "../src/state/crmwords.ts";
import type { Seat } from "../src/state/seat.svelte.ts";

const ORIGIN = "https://crm.example.org";
const page = { name: "the page" };
const call = {
	contact: "c1",
	phase: "ringing",
	since: "2026-11-23T02:10:03.004Z",
	line: "1000",
	queue: "sales",
	from: "138****1234",
	crm: `${ORIGIN}/calls?id=c1`,
} as CallView;

describe("what the CRM's page says", () => {
	const from = (data: unknown, over: object = {}) =>
		heard({ origin: ORIGIN, source: page, data, ...over }, { origin: ORIGIN, window: page });
	const dial = { type: "callfloor.dial", v: 1, number: "+86 (138) 1234-1234" };
	const note = { type: "callfloor.note", v: 1, contact: "c1", text: " Order 4711 " };

	test("is heard", () => {
		expect(from(dial)).toEqual({ type: "callfloor.dial", number: "+86 (138) 1234-1234", line: "" });
		expect(from({ ...dial, line: "1000" })).toEqual({ type: "callfloor.dial", number: dial.number, line: "1000" });
		expect(from(note)).toEqual({ type: "callfloor.note", contact: "c1", text: "Order 4711" });
		expect(from({ type: "callfloor.ready", v: 1 })).toEqual({ type: "callfloor.ready" });
		expect(from({ type: "callfloor.back", v: 1 })).toEqual({ type: "callfloor.back" });
	});
	test.each([
		["another origin", dial, { origin: "https://crm.example.org.evil.example" }],
		["no origin", dial, { origin: "null" }],
		["another window", dial, { source: { name: "the page" } }],
		["no window", dial, { source: null }],
		["another version", { ...dial, v: 2 }, {}],
		["no version", { ...dial, v: undefined }, {}],
		["another type", { ...dial, type: "callfloor.answer" }, {}],
		["text alone", JSON.stringify(dial), {}],
		["nothing", null, {}],
		["letters as a number", { ...dial, number: "javascript:alert(1)" }, {}],
		["a number that is none", { ...dial, number: 13812341234 }, {}],
		["a long number", { ...dial, number: "1".repeat(41) }, {}],
		["no digit", { ...dial, number: "+" }, {}],
		["a long line", { ...dial, line: "1".repeat(65) }, {}],
		["a line that is none", { ...dial, line: {} }, {}],
		["a long note", { ...note, text: "x".repeat(1001) }, {}],
		["an empty note", { ...note, text: " \n" }, {}],
		["a note of no call", { ...note, contact: undefined }, {}],
	])("%s is ignored", (_, data, over) => {
		expect(from(data, over)).toBeNull();
	});
	test("without a window nothing is heard", () => {
		expect(heard({ origin: ORIGIN, source: null, data: dial }, { origin: ORIGIN, window: null })).toBeNull();
	});
});

/** A seat whose CRM's page is a frame; said is what the page was told. */
function deskOf(place: "beside" | "window" = "beside") {
	const said: string[] = [];
	const origins = new Set<string>();
	const frame = {
		postMessage: (m: ReturnType<typeof told>, origin: string) => {
			said.push(`${m.contact} ${m.phase} ${m.direction}`);
			origins.add(origin);
		},
	};
	const doc = { call: null as CallView | null, me: { crm: place, dial: [{ id: "1000", name: "Main" }] } };
	const desk = {
		side: "customer",
		open: "none",
		wanted: { number: "", line: "" },
		whyNot: () => (doc.call ? "busy" : ""),
		writing: { note: "", sync: vi.fn(), edited: vi.fn() },
	};
	const app = {
		t: (key: string) => key,
		now: Date.parse("2026-11-23T02:12:00Z"),
		toast: vi.fn(),
		router: { go: vi.fn() },
	};
	const crm = new CrmDesk(app as unknown as App, { doc } as unknown as Seat, desk as never);
	const has = (...now: (Partial<CallView> | null)[]) => {
		const calls = now.filter((c) => c !== null).map((c) => ({ ...call, ...c }));
		doc.call = calls[0] ?? null;
		crm.follow(calls);
	};
	const say = (message: object) => crm.hear({ origin: ORIGIN, source: frame as never, data: { v: 1, ...message } });
	const attach = () => crm.attach({ contentWindow: frame } as unknown as HTMLIFrameElement);
	return { crm, desk, app, said, origins, frame, has, say, attach };
}

beforeEach(() => {
	vi.stubGlobal("matchMedia", () => ({ matches: false }));
});

describe("what the CRM's page is told", () => {
	test("each phase once, from when it says that it listens", () => {
		const { crm, said, origins, has, say, attach } = deskOf();
		has({});
		attach();
		expect(said).toEqual([]);
		say({ type: "callfloor.ready" });
		has({});
		has({ phase: "talking", muted: true });
		has({ phase: "talking", muted: false, crm: `${ORIGIN}/calls?id=c1&lang=zh` });
		has({ phase: "wrap_up" });
		has(null);
		has(null);
		expect(said).toEqual(["c1 ringing in", "c1 talking in", "c1 wrap_up in", "c1 ended in"]);
		expect([...origins]).toEqual([ORIGIN]);
		expect(crm.url).toBe(call.crm); // a page that is read stays, after the call too
	});
	test("the next call has a page of its own, a frame that went does not take it along", () => {
		const { crm, said, has, say, attach } = deskOf();
		has({});
		const gone = attach();
		say({ type: "callfloor.ready" });
		has({ contact: "c2", crm: `${ORIGIN}/calls?id=c2`, outbound: true });
		expect(crm.url).toBe(`${ORIGIN}/calls?id=c2`);
		attach();
		gone();
		say({ type: "callfloor.ready" });
		expect(said.at(-1)).toBe("c2 ringing out");
		expect(said).toContain("c1 ended in");
	});
	test("of two calls both, and the page is that of the one in front", () => {
		const { crm, said, has, say, attach } = deskOf();
		const second = { contact: "c2", crm: `${ORIGIN}/calls?id=c2` };
		has({ phase: "talking" });
		attach();
		say({ type: "callfloor.ready" });
		has({ phase: "talking" }, { ...second, phase: "ringing" });
		expect(crm.url).toBe(call.crm);
		has({ ...second, phase: "talking" }, { phase: "hold" });
		expect(crm.url).toBe(second.crm);
		has({ phase: "hold" });
		expect(crm.url).toBe(call.crm);
		expect(said).toEqual(["c1 talking in", "c2 ringing in", "c1 hold in", "c2 talking in", "c2 ended in"]);
	});
	test("no more than this, and the number masked", () => {
		expect(told({ ...call, note: "secret" })).toEqual({
			type: "callfloor.call",
			v: 1,
			contact: "c1",
			phase: "ringing",
			line: "1000",
			queue: "sales",
			from: "138****1234",
			direction: "in",
			at: call.since,
		});
	});
	test("a window is opened for the call, and told", () => {
		const { crm, app, said, frame, has, say } = deskOf("window");
		expect(crm.whyNot()).toBe("why.nocrmcall");
		has({});
		expect(crm.whyNot()).toBe("");
		const open = vi.fn<() => unknown>(() => null);
		vi.stubGlobal("open", open);
		crm.act();
		expect(app.toast).toHaveBeenCalledWith("bad", "crm.blocked");
		open.mockReturnValue(frame);
		crm.act();
		expect(open).toHaveBeenCalledWith(call.crm, "callfloor-crm");
		say({ type: "callfloor.ready" });
		expect(said).toEqual(["c1 ringing in"]);
	});
});

describe("what the CRM's page does", () => {
	test("a number is filled in, and no call made", () => {
		const { desk, has, say, attach } = deskOf();
		has({ phase: "wrap_up" });
		attach();
		has(null);
		say({ type: "callfloor.dial", number: "13812341234", line: "1000" });
		expect([desk.open, desk.wanted]).toEqual(["out", { number: "13812341234", line: "1000" }]);
	});
	test("a number is not filled in during a call, nor with a line that is not the agent's", () => {
		const { desk, app, has, say, attach } = deskOf();
		has({ phase: "talking" });
		attach();
		say({ type: "callfloor.dial", number: "13812341234" });
		expect(app.toast).toHaveBeenCalledWith("bad", "crm.dial.not");
		has(null);
		say({ type: "callfloor.dial", number: "13812341234", line: "9999" });
		expect(desk.open).toBe("none");
	});
	test("adds to the note of this call alone, up to its length", () => {
		const { desk, has, say, attach } = deskOf();
		has({ phase: "ringing" });
		attach();
		const note = (contact: string, text: string) => say({ type: "callfloor.note", contact, text });
		note("c1", "too early");
		has({ phase: "talking" });
		note("c0", "another call's");
		expect(desk.writing.note).toBe("");
		note("c1", "one");
		note("c1", "two");
		expect(desk.writing.note).toBe("one\ntwo");
		expect(desk.writing.sync).toHaveBeenCalledTimes(2);
		desk.writing.note = "x".repeat(1500);
		note("c1", "y".repeat(600));
		expect(desk.writing.note).toBe("x".repeat(1500));
	});
	test("leads back, and the key leads there and back", () => {
		const { crm, desk, has, say, attach } = deskOf();
		has({});
		attach();
		crm.act();
		expect(desk.side).toBe("crm");
		say({ type: "callfloor.back" });
		expect(desk.side).toBe("customer");
		crm.act();
		crm.act();
		expect(desk.side).toBe("customer");
	});
});
