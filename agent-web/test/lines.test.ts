import { describe, expect, test } from "vitest";
import golden from "../../web/testdata/protocol/call_talking.json";
import meGolden from "../../web/testdata/protocol/me.json";
import { DocStore, ringing } from "../src/phone/doc.ts";
import type { CallView, MeView } from "../src/phone/views.ts";
import { draftOf, NO_DRAFT, noRoom, ringsBeside, swappable } from "../src/state/lines.ts";

const call = (contact: string, phase: CallView["phase"], more: Partial<CallView> = {}) =>
	({ ...(golden as unknown as CallView), contact, phase, second: null, ...more }) as CallView;

describe("two calls", () => {
	test("a second one finds room beside a talk and beside a hold, and only there", () => {
		expect(noRoom({ call: null, other: null })).toBe("");
		expect(noRoom({ call: call("a", "talking"), other: null })).toBe("");
		expect(noRoom({ call: call("a", "hold"), other: null })).toBe("");
		for (const phase of ["ringing", "dialling", "wrap_up"] as const)
			expect(noRoom({ call: call("a", phase), other: null })).toBe("why.callfirst");
		expect(noRoom({ call: call("a", "talking", { helps: true }), other: null })).toBe("why.helps");
		const second = { user: "bob", name: "Bob", state: "talking", since: "", muted: false, why: "" } as const;
		expect(noRoom({ call: call("a", "talking", { second }), other: null })).toBe("why.lines");
		expect(noRoom({ call: call("a", "talking", { second: { ...second, state: "failed" } }), other: null })).toBe("");
		expect(noRoom({ call: call("a", "talking"), other: call("b", "wrap_up") })).toBe("why.twocalls");
		const me = { ...(meGolden as unknown as MeView), telephone: true };
		expect(noRoom({ call: call("a", "talking"), other: null, me })).toBe("why.oneline");
		expect(noRoom({ call: null, other: null, me })).toBe("");
	});
	test("are swapped where the other one is on hold, and not before who is called has answered", () => {
		expect(swappable({ call: call("a", "talking"), other: call("b", "hold") })).toBe(true);
		expect(swappable({ call: call("a", "hold"), other: call("b", "hold") })).toBe(true);
		expect(swappable({ call: call("a", "dialling"), other: call("b", "hold") })).toBe(false);
		expect(swappable({ call: call("a", "talking"), other: call("b", "wrap_up") })).toBe(false);
		expect(swappable({ call: call("a", "talking"), other: null })).toBe(false);
	});
	test("ring alone or beside, and are never the same one between two changes", () => {
		const store = new DocStore();
		store.snapshot({ type: "snapshot", seq: 1, doc: { call: call("a", "talking"), other: call("b", "ringing") } });
		expect(ringing(store.doc.now)?.contact).toBe("b");
		expect(ringsBeside(store.doc.now)?.contact).toBe("b");
		store.change({ type: "change", seq: 2, key: "call", value: call("b", "talking") });
		expect(store.doc.now.other).toBeNull();
		expect(ringing(store.doc.now)).toBeNull();
		store.change({ type: "change", seq: 3, key: "other", value: call("a", "hold") });
		expect(store.doc.now.other?.contact).toBe("a");
		store.change({ type: "change", seq: 4, key: "other", value: null });
		store.change({ type: "change", seq: 5, key: "call", value: call("c", "ringing") });
		expect(ringing(store.doc.now)?.contact).toBe("c");
		expect(ringsBeside(store.doc.now)).toBeNull();
	});
	test("have a draft each", () => {
		expect(draftOf(null)).toBe(NO_DRAFT);
		expect(draftOf(call("a", "talking", { note: "n", disposition: "sold" }))).toEqual({
			contact: "a",
			note: "n",
			disposition: "sold",
			tags: {},
		});
	});
});
