import { describe, expect, test } from "vitest";
import { serviceLevel, told, worst } from "../src/parts/wall.ts";
import type { AgentView, AlertView, QueueView } from "../src/phone/views.ts";

const queue = (id: string, fields: Partial<QueueView> = {}) =>
	({ id, name: "", waiting: 0, staffed: 1, longest_since: null, ...fields }) as QueueView;
const app = {
	t: (key: string, params: object = {}) => `${key} ${Object.values(params).join(" ")}`.trim(),
	tn: (key: string, n: number, params: object = {}) => `${key} ${n} ${Object.values(params).join(" ")}`,
	since: (at: string | null | undefined) => (at ? 100 - Number(at.slice(17, 19)) : 0),
	clock: (s: number) => `${s}s`,
} as Parameters<typeof told>[0];
const at = (s: number) => `2026-11-23T00:00:${String(s).padStart(2, "0")}Z`;

describe("the wall", () => {
	test("who needs somebody comes first", () => {
		const order = worst([
			queue("calm"),
			queue("late", { waiting: 1, longest_since: at(50) }),
			queue("alone", { waiting: 1, staffed: 0, longest_since: at(55) }),
			queue("later", { waiting: 9, longest_since: at(40) }),
			queue("also calm"),
		]);
		expect(order.map((q) => q.id)).toEqual(["alone", "later", "late", "also calm", "calm"]);
	});
	test("a service level needs a call", () => {
		expect(serviceLevel(0, 0)).toBeNull();
		expect(serviceLevel(3, 4)).toBe(0.75);
	});
	test("alerts in words: hands, the server's warnings, long waits, queues without people", () => {
		const alert = (kind: AlertView["kind"], agent: string, of: string) => ({
			kind,
			agent,
			queue: of,
			text: "",
			at: at(70),
		});
		const doc = {
			agents: [{ user: "alice", name: "Alice" } as AgentView],
			alerts: [
				alert("hand", "alice", ""),
				alert("surge", "", "q1"),
				{ ...alert("threshold", "", "q1"), figure: "waiting", over: true, limit: 1, severity: "bad" } as AlertView,
				{ ...alert("threshold", "", "q1"), figure: "service_level", limit: 80, severity: "warn" } as AlertView,
			],
			queues: [
				queue("q1", { name: "Sales", waiting: 2, longest_since: at(40) }),
				queue("q2", { waiting: 1, longest_since: at(41) }),
				queue("q3", { waiting: 1, staffed: 0, longest_since: at(99) }),
			],
		};
		expect(told(app, doc).map(({ id: _, still: __, ...line }) => line)).toEqual([
			{ hand: true, text: "floor.hand Alice 30s" },
			{ hand: false, text: "floor.alert.surge  Sales" },
			{ bad: true, hand: false, text: "floor.alert.over Sales figure.waiting 1" },
			{ bad: false, hand: false, text: "floor.alert.under Sales figure.service_level unit.percent 80" },
			{ hand: false, text: "floor.alert 2 Sales 60s" },
			{ hand: false, text: "floor.alert.nobody q3" },
		]);
		// What is read out does not count.
		expect(told(app, doc).map(({ still }) => still)).toEqual([
			"floor.hand.now Alice",
			"floor.alert.surge  Sales",
			"floor.alert.over Sales figure.waiting 1",
			"floor.alert.under Sales figure.service_level unit.percent 80",
			"floor.alert.long Sales",
			"floor.alert.nobody q3",
		]);
	});
	test("two agents of one name are two lines, a thing that is said twice is one", () => {
		const hand = (agent: string) => ({ kind: "hand", agent, queue: "", text: "", at: at(70) }) as AlertView;
		const agents = ["a1", "a2"].map((user) => ({ user, name: "Chen" }) as AgentView);
		const missed = { ...hand("a1"), kind: "missed" } as AlertView;
		const lines = told(app, { agents, alerts: [hand("a1"), hand("a2"), missed, missed], queues: [] });
		expect(lines).toHaveLength(3);
		expect(new Set(lines.map((l) => l.id)).size).toBe(3);
	});
});
