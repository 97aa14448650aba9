import { expect, test } from "vitest";
import { changedLines } from "../src/flow/compare.ts";
import { cut, draw, type Graph } from "../src/flow/graph.ts";
import { Kinds } from "../src/flow/kinds.ts";
import { NO_WORLD, Script } from "../src/flow/script.ts";
import { readFlow } from "../src/flow/text.ts";

test("keys are pressed when the caller has heard what there is", () => {
	const script = new Script().press(3.2, "1").press(9.0004, "12").until(12).until(15.5).hangUp(15.5);
	expect(script.steps).toEqual([
		{ wait: "3200ms" },
		{ press: "1" },
		{ wait: "5801ms" },
		{ press: "12" },
		{ wait: "6299ms" },
		{ hangup: true },
	]);
	expect(script.until(3)).toBe(script);
});

test("a scenario says only what is not as usual", () => {
	expect(new Script().scenario(NO_WORLD, {})).toEqual({ steps: [] });
	expect(
		new Script()
			.queue(1, { served: "20s" })
			.scenario({ ...NO_WORLD, caller: "139" }, { lookups: [{ status: 200 }], queues: { sales: { waiting: 4 } } }),
	).toEqual({
		caller: "139",
		lookups: [{ status: 200 }],
		queues: { sales: { waiting: 4 } },
		steps: [{ wait: "1000ms" }, { queue: { served: "20s" } }],
	});
});

test("the lines that changed", () => {
	expect(changedLines("a\nb\nc\nd\n", "a\nB\nc\nx\nd\n")).toEqual([
		{ line: 2, sign: "-", text: "b" },
		{ line: 2, sign: "+", text: "B" },
		{ line: 4, sign: "+", text: "x" },
	]);
	expect(changedLines("a\nb", "a\nb")).toEqual([]);
	expect(changedLines("", "a\n")).toHaveLength(1);
	const rebuilt = (a: string, b: string) => {
		const lines = a.split("\n");
		for (const c of changedLines(a, b)
			.filter((c) => c.sign === "-")
			.reverse())
			lines.splice(c.line - 1, 1);
		for (const c of changedLines(a, b).filter((c) => c.sign === "+")) lines.splice(c.line - 1, 0, c.text);
		return lines.join("\n");
	};
	let seed = 7;
	const roll = (n: number) => {
		seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
		return Math.floor((seed / 2 ** 32) * n);
	};
	for (let i = 0; i < 200; i++) {
		const text = () => Array.from({ length: roll(8) }, () => "abc"[roll(3)]).join("\n");
		const [a, b] = [text(), text()];
		expect(rebuilt(a, b), `${a} → ${b}`).toBe(b);
	}
});

const KINDS = new Kinds([
	{ kind: "play", fields: [{ name: "next", type: "exit" }] },
	{
		kind: "menu",
		fields: [
			{ name: "keys", type: "exits", entry: "label" },
			{ name: "silent", type: "exit" },
		],
	},
]);
const box = (id: string, x: number) => ({
	id,
	kind: "play",
	summary: `does ${id}`,
	line: 1,
	column: 1,
	x,
	y: 0,
	width: 210,
	height: 58,
	reached: true,
	prompts: ["p"],
	subflow: "",
	queue: "",
});
const placed: Graph = {
	start: "a",
	width: 400,
	height: 58,
	nodes: [box("a", 0), box("b", 250)],
	edges: [{ from: "b", to: "a", label: "", back: true }],
};
const look = {
	placed,
	selected: "b",
	callers: new Map([["a", 2]]),
	trouble: new Map([["c", "no way out"]]),
	prompt: (id: string) => (id === "p" ? "Welcome" : ""),
	does: (summary: string) => summary,
	say: {
		card: (c: { id: string; callers: number }) => `${c.id} ${c.callers}`,
		line: (a: string, b: string, l: string) => `${a} ${b} ${l}`,
	},
};

test("the picture is the text's, with the server's places", () => {
	const flow = readFlow(
		"nodes:\n  a: {kind: menu, keys: {1: {label: X, next: b}, 2: {label: Y, next: b}}, silent: c}\n  b: {kind: play, next: a}\n  c: {kind: play, next: gone}\n",
		KINDS,
	);
	const { nodes, edges } = draw(flow, look);
	expect(
		nodes.map((n) => [n.id, n.position.x, n.position.y, n.selected, n.data.callers, n.data.words, n.data.trouble]),
	).toEqual([
		["a", 0, 0, false, 2, "Welcome", ""],
		["b", 250, 0, true, 0, "Welcome", ""],
		["c", 0, 142, false, 0, "", "no way out"],
	]);
	expect(edges.map((e) => [e.id, e.label, e.class])).toEqual([
		["a→b", "1 X · 2 Y", ""],
		["a→c", "silent", ""],
		["b→a", "", "line-back"],
	]);
	expect(nodes[0]?.ariaLabel).toBe("a 2");
});

test("long texts are cut by letters", () => {
	expect(cut("您好欢迎致电", 4)).toBe("您好欢…");
	expect(cut("abc", 3)).toBe("abc");
});
