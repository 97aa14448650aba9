// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Session } from "../src/api/types.ts";
import type { CommandFields, Verb } from "../src/phone/protocol.ts";
import type { Failure } from "../src/phone/socket.ts";
import type { CallView, TagGroup } from "../src/phone/views.ts";
import type { App } from "../src/state/app.svelte.ts";
import { Desk } from "../src/state/desk.svelte.ts";
import type { Seat } from "../src/state/seat.svelte.ts";
import { settled } from "./fakes.ts";

beforeEach(() => localStorage.clear());

/** An agent at a page that does not show the wrap-up: nothing but the desk is there. */
function agent() {
	const told: [Verb, CommandFields][] = [];
	const answer = { now: Promise.resolve<Failure | null>(null) };
	const doc = { call: null as CallView | null, other: null, me: null, parked: [], tags: [] as TagGroup[] };
	const state = { link: { at: "live" }, tab: "phone" };
	const tell = (verb: Verb, fields: CommandFields) => {
		told.push([verb, fields]);
		return answer.now;
	};
	const phone = {
		do: tell,
		onCall: (verb: Verb, fields: CommandFields) => tell(verb, { contact: doc.call?.contact, ...fields }),
	};
	const app = {
		t: (key: string) => key,
		label: ({ id }: { id: string }) => id,
		fail: vi.fn(),
		run: vi.fn(),
	} as unknown as App;
	const seat = { state, doc, phone, pending: new Set() } as unknown as Seat;
	const desk = new Desk(app, seat, { user: "alice", role: "agent" } as Session);
	const has = (contact: string, more: Partial<CallView> = {}) => {
		doc.call = { contact, phase: "wrap_up", disposition: "", note: "", ...more } as CallView;
	};
	return { desk, writing: desk.writing, told, answer, doc, state, has };
}

describe("what is written about a call", () => {
	test("is never sent with another one, on whatever page that is wrapped up", () => {
		const a = agent();
		a.has("c1");
		a.writing.sync(a.doc.call);
		a.writing.note = "wants a refund";
		a.has("c2", { note: "of the agent before", disposition: "sold" });
		a.desk.act("done");
		expect(a.told).toEqual([
			["wrapup_done", { contact: "c2", disposition: "sold", note: "of the agent before", tags: {} }],
		]);
	});
	test("goes to its own call when another comes before it was sent", async () => {
		const a = agent();
		a.has("c1");
		a.writing.sync(a.doc.call);
		a.writing.note = "half a sen";
		a.writing.edited();
		a.has("c2");
		await a.writing.save();
		expect(a.told).toEqual([["wrapup_note", { contact: "c1", disposition: "", note: "half a sen", tags: {} }]]);
		expect(a.writing.saved).toBe("saved");
	});
	test("goes to its call when that is gone before it was sent", () => {
		const a = agent();
		a.has("c1", { phase: "talking" });
		a.writing.sync(a.doc.call);
		a.writing.note = "half a sen";
		a.writing.edited();
		a.doc.call = null;
		a.writing.sync(a.doc.call);
		expect(a.told).toEqual([["wrapup_note", { contact: "c1", disposition: "", note: "half a sen", tags: {} }]]);
	});
	test("is not called unsaved because another call came while it was sent", async () => {
		const a = agent();
		let give: (failure: Failure | null) => void = () => undefined;
		a.answer.now = new Promise((done) => {
			give = done;
		});
		a.has("c1");
		a.writing.sync(a.doc.call);
		a.writing.note = "one";
		a.writing.edited();
		const saving = a.writing.save();
		a.has("c2");
		a.writing.sync(a.doc.call);
		give(null);
		await saving;
		expect([a.writing.note, a.writing.saved]).toEqual(["", "saved"]);
	});
	test("follows the server while another tab is the phone", async () => {
		const a = agent();
		a.has("c1");
		a.writing.sync(a.doc.call);
		a.state.tab = "elsewhere";
		a.has("c1", { note: "written there", tags: { topic: ["bill"] } });
		a.writing.sync(a.doc.call);
		await settled();
		expect([a.writing.note, a.writing.tags]).toEqual(["written there", { topic: ["bill"] }]);
	});
});

test("a wrap-up that lacks a tag is not done, and can be made longer", () => {
	const a = agent();
	a.doc.tags = [{ id: "topic", label: { en: "", zh: "" }, required: true, many: false, tags: [] }];
	a.has("c1");
	expect(a.desk.whyNot("done")).toBe("why.tags");
	expect(a.desk.whyNotExtend()).toBe("");
	a.has("c1", { phase: "talking" });
	expect(a.desk.whyNotExtend()).toBe("why.wrapup");
	a.state.link.at = "waiting";
	expect(a.desk.whyNotExtend()).toBe("why.link");
});
