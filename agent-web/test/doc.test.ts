import { expect, test } from "vitest";
import { DocStore } from "../src/phone/doc.ts";
import type { Welcome } from "../src/phone/protocol.ts";

const welcome = (epoch: string): Welcome => ({
	type: "welcome",
	protocol: 1,
	epoch,
	user: "alice",
	role: "agent",
	now: "2026-11-23T00:00:00.000Z",
	ice_servers: [],
	tracks: ["customer", "third", "coach"],
});
const change = (seq: number, key: string, value: unknown) => ({ type: "change" as const, seq, key, value });

function whole(): DocStore {
	const store = new DocStore();
	store.welcome(welcome("e1"));
	store.snapshot({ type: "snapshot", seq: 7, doc: { me: { user: "alice" }, "queue/sales": { id: "sales" } } });
	return store;
}

test("a new store asks for a snapshot", () => {
	expect(new DocStore().resume()).toEqual({});
});

test("changes in order are applied, and a resume goes on there", () => {
	const store = whole();
	expect(store.change(change(8, "call", { contact: "c1" }))).toBe("applied");
	expect(store.doc.now.call?.contact).toBe("c1");
	expect(store.resume()).toEqual({ epoch: "e1", seq: 8 });
});

test("null deletes", () => {
	const store = whole();
	store.change(change(8, "queue/sales", null));
	expect(store.doc.now.queues).toEqual([]);
});

test("what was applied already is left out", () => {
	const store = whole();
	expect(store.change(change(7, "me", { user: "mallory" }))).toBe("old");
	expect(store.doc.now.me?.user).toBe("alice");
});

test("a gap breaks the document until a snapshot", () => {
	const store = whole();
	expect(store.change(change(9, "call", {}))).toBe("gap");
	expect(store.change(change(8, "call", {}))).toBe("gap");
	expect(store.resume()).toEqual({});
	store.snapshot({ type: "snapshot", seq: 20, doc: {} });
	expect(store.resume()).toEqual({ epoch: "e1", seq: 20 });
	expect(store.doc.now.me).toBeNull();
});

test("another epoch is another life of the server", () => {
	const store = whole();
	expect(store.welcome(welcome("e1"))).toBe("same");
	expect(store.welcome(welcome("e2"))).toBe("new");
	expect(store.change(change(8, "call", {}))).toBe("gap");
});

test("rows come in the order of their keys, however they arrived", () => {
	const store = whole();
	store.change(change(8, "agent/zoe", { user: "zoe" }));
	store.change(change(9, "agent/alice", { user: "alice" }));
	store.change(change(10, "agent/zoe", { user: "zoe", state: "away" }));
	expect(store.doc.now.agents.map((a) => a.user)).toEqual(["alice", "zoe"]);
});

test("a busy floor is shown once a frame, one's own call at once with all before it", () => {
	const frames: (() => void)[] = [];
	const store = new DocStore((run) => frames.push(run));
	const seen: string[] = [];
	store.welcome(welcome("e1"));
	store.snapshot({ type: "snapshot", seq: 0, doc: { me: { user: "sam" }, "queue/sales": { id: "sales" } } });
	const queues = store.doc.now.queues;
	store.doc.follow((doc) => seen.push(`${doc.agents.length} ${doc.call?.contact ?? "-"}`));
	for (let n = 1; n <= 300; n++) store.change(change(n, `agent/${n % 100}`, { user: `${n % 100}`, since: `${n}` }));
	expect(seen).toEqual(["0 -"]);
	expect(frames.length).toBe(1);
	frames.shift()?.();
	expect(seen).toEqual(["0 -", "100 -"]);
	store.change(change(301, "agent/7", null));
	store.change(change(302, "call", { contact: "c1" }));
	expect(seen).toEqual(["0 -", "100 -", "99 c1"]);
	frames.shift()?.();
	expect(seen.length).toBe(3); // nothing is left for the frame that was asked for
	expect(store.resume()).toEqual({ epoch: "e1", seq: 302 });
	expect(store.doc.now.queues).toBe(queues); // what did not change is the same value
});

test("a frame that comes after signing out shows nothing", () => {
	const frames: (() => void)[] = [];
	const store = new DocStore((run) => frames.push(run));
	store.welcome(welcome("e1"));
	store.snapshot({ type: "snapshot", seq: 0, doc: {} });
	store.change(change(1, "agent/7", { user: "7" }));
	store.clear();
	frames.shift()?.();
	expect(store.doc.now.agents).toEqual([]);
});
