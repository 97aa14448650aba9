import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backoffMS } from "../src/phone/backoff.ts";
import { SeatSocket } from "../src/phone/socket.ts";
import { FakeWire, settled, WELCOME } from "./fakes.ts";

beforeEach(() => {
	vi.useFakeTimers();
	vi.setSystemTime("2026-11-23T00:00:00Z");
});
afterEach(() => vi.useRealTimers());

function make(session: "good" | "gone" | "unknown" = "good") {
	const wires: FakeWire[] = [];
	const events = { welcome: vi.fn(), tab: vi.fn(), answer: vi.fn(), candidate: vi.fn() };
	const dial = () => {
		const wire = new FakeWire();
		wires.push(wire);
		return wire;
	};
	const socket = new SeatSocket({ dial, tab: "t1", session: async () => session, random: () => 1 }, events);
	const last = () => wires.at(-1) as FakeWire;
	return { socket, wires, events, last };
}

function live(session: "good" | "gone" | "unknown" = "good") {
	const t = make(session);
	t.socket.open();
	t.last().accept();
	t.last().say(WELCOME, { type: "snapshot", seq: 4, doc: {} }, { type: "tab", phone: true });
	return t;
}

test("hello, welcome, snapshot, change", () => {
	const { socket, last, events } = live();
	expect(last().sent[0]).toEqual({ type: "hello", tab: "t1" });
	expect(socket.link.now.at).toBe("live");
	expect(events.welcome).toHaveBeenCalledWith(WELCOME, "new");
	expect(events.tab).toHaveBeenCalledWith(true);
	last().say({ type: "change", seq: 5, key: "call", value: { contact: "c1" } });
	expect(socket.store.doc.now.call?.contact).toBe("c1");
});

test("the server's clock is taken from welcome", () => {
	vi.setSystemTime("2026-11-22T23:59:50Z");
	expect(live().socket.clockOffsetMS).toBe(10_000);
});

test("a lost socket comes back within 100 ms and resumes", () => {
	const { socket, wires, events, last } = live();
	last().cut();
	expect(socket.link.now.at).toBe("waiting");
	vi.advanceTimersByTime(100);
	expect(wires).toHaveLength(2);
	last().accept();
	expect(last().sent[0]).toEqual({ type: "hello", tab: "t1", epoch: "e1", seq: 4 });
	last().say(WELCOME);
	expect(events.welcome).toHaveBeenLastCalledWith(WELCOME, "same");
});

test("after a gap it comes again without a number, as a new page", () => {
	const { wires, events, last } = live();
	last().say({ type: "change", seq: 9, key: "call", value: {} });
	vi.advanceTimersByTime(100);
	expect(wires).toHaveLength(2);
	last().accept();
	expect(last().sent[0]).toEqual({ type: "hello", tab: "t1" });
	last().say(WELCOME);
	expect(events.welcome).toHaveBeenLastCalledWith(WELCOME, "new");
});

test("a restarted server is a new epoch", () => {
	const { events, last } = live();
	last().cut();
	vi.advanceTimersByTime(100);
	last().accept();
	last().say({ ...WELCOME, epoch: "e2" });
	expect(events.welcome.mock.lastCall?.[1]).toBe("new");
});

test("a socket that says nothing for 5 s is lost", () => {
	const { socket, last } = live();
	vi.advanceTimersByTime(4000);
	expect(last().of("ping").length).toBeGreaterThan(0);
	expect(socket.link.now.at).toBe("live");
	vi.advanceTimersByTime(4000);
	expect(socket.link.now.at).not.toBe("live");
});

test("pongs keep it and measure the way", () => {
	const { socket, last } = live();
	vi.advanceTimersByTime(2000);
	for (let i = 0; i < 10; i++) {
		const ping = last().of("ping").at(-1);
		vi.advanceTimersByTime(40);
		last().say({ type: "pong", id: ping?.id ?? 0 });
		vi.advanceTimersByTime(1960);
	}
	expect(socket.link.now).toMatchObject({ at: "live", rttMS: 40 });
});

test("one that never opens is given up and tried again", () => {
	const { socket, wires } = make();
	socket.open();
	vi.advanceTimersByTime(5200);
	expect(wires.length).toBe(2);
});

test("back-off doubles to 5 s and is spread", () => {
	expect([0, 1, 2, 3, 9].map((n) => backoffMS(n, () => 1))).toEqual([100, 200, 400, 800, 5000]);
	expect(backoffMS(0, () => 0)).toBe(50);
	expect(backoffMS(1000, () => 1)).toBe(5000);
});

test("nudged while it waits, it tries at once", () => {
	const { socket, wires, last } = live();
	last().cut();
	socket.nudge();
	expect(wires).toHaveLength(2);
});

describe("the end", () => {
	test("bye for good", () => {
		const { socket, wires, last } = live();
		last().say({ type: "bye", code: "conflict", reason: "this tab was opened again", reconnect: false });
		expect(socket.link.now).toEqual({ at: "over", code: "conflict", reason: "this tab was opened again" });
		vi.advanceTimersByTime(60_000);
		expect(wires).toHaveLength(1);
	});
	test("bye for now", () => {
		const { socket, last, wires } = live();
		last().say({ type: "bye", code: "busy", reason: "restarting", reconnect: true });
		last().cut();
		vi.advanceTimersByTime(100);
		expect(wires).toHaveLength(2);
		expect(socket.link.now.at).toBe("connecting");
	});
	test("another protocol", () => {
		const { socket, last } = make();
		socket.open();
		last().accept();
		last().say({ ...WELCOME, protocol: 2 });
		expect(socket.link.now).toMatchObject({ at: "over", code: "version" });
	});
	test("an expired session is found out when it cannot come back", async () => {
		const { socket, last } = live("gone");
		last().cut();
		vi.advanceTimersByTime(100);
		last().cut();
		await settled();
		expect(socket.link.now).toMatchObject({ at: "over", code: "unauthorized" });
	});
	test("a server that is down is no expired session", async () => {
		const { socket, last } = live("unknown");
		last().cut();
		vi.advanceTimersByTime(100);
		last().cut();
		await settled();
		expect(socket.link.now.at).toBe("waiting");
	});
});

describe("commands", () => {
	test("done", async () => {
		const { socket, last } = live();
		const done = socket.do("answer", { contact: "c1" });
		expect(last().of("do")[0]).toEqual({ type: "do", req: 1, do: "answer", contact: "c1" });
		last().say({ type: "result", req: 1 });
		expect(await done).toBeNull();
	});
	test("refused, each to its own", async () => {
		const { socket, last } = live();
		const first = socket.do("answer");
		const second = socket.do("hangup");
		last().say({ type: "result", req: 2, code: "conflict", error: "no call" }, { type: "result", req: 1 });
		expect(await first).toBeNull();
		expect(await second).toEqual({ code: "conflict", message: "no call" });
	});
	test("lost with the socket", async () => {
		const { socket, last } = live();
		const done = socket.do("answer");
		last().cut();
		expect(await done).toEqual({ code: "lost", message: "" });
		expect(await socket.do("answer")).toEqual({ code: "lost", message: "" });
	});
	test("never answered", async () => {
		const { socket, last } = live();
		const done = socket.do("answer");
		for (let i = 0; i < 5; i++) {
			vi.advanceTimersByTime(2000);
			last().say({ type: "pong", id: i + 1 });
		}
		expect(await done).toEqual({ code: "lost", message: "" });
	});
});
