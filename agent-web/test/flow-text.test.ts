import { expect, test } from "vitest";
import {
	addNode,
	apply,
	type Change,
	connect,
	disconnect,
	removeNode,
	renameNode,
	scalar,
	setField,
} from "../src/flow/edit.ts";
import { type Kind, Kinds } from "../src/flow/kinds.ts";
import { nodeAtLine, readFlow } from "../src/flow/text.ts";

// @ts-expect-error it has no types; here it only judges what we write
const yaml = (await import("js-yaml")) as { load: (text: string) => unknown };

const exit = (name: string) => ({ name, type: "exit" }) as const;
const LIST: Kind[] = [
	{ kind: "play", fields: [{ name: "say", type: "prompts" }, exit("next")] },
	{
		kind: "menu",
		fields: [
			{ name: "say", type: "prompts" },
			{ name: "keys", type: "exits", entry: "label" },
			exit("silent"),
			exit("failed"),
			exit("next"),
		],
	},
	{ kind: "branch", fields: [{ name: "choices", type: "exits", entry: "when", list: true }, exit("else")] },
	{ kind: "queue", fields: [{ name: "queue", type: "name" }, exit("refused"), exit("served")] },
	{ kind: "hangup", fields: [{ name: "say", type: "prompts" }] },
];
const KINDS = new Kinds(LIST);

const TEXT = `# What a customer hears.
start: greeting # the first
vars: {vip: false}
nodes:
  greeting: # says hello
    kind: play
    say: [greeting, zh/chinese]
    # then the menu
    next: menu

  # the menu
  menu:
    kind: menu
    say: menu_main
    keys:
      1: {label: Sales, next: sales} # most of them
      2: {label: "Support, all", next: bye}
    silent: bye # nobody there
  route:
    kind: branch
    choices:
      - {when: 'language == "zh"', next: sales}
      - when: vip
        next: bye
    else: menu
  sales: {kind: queue, queue: sales, refused: bye}
  # the end
  bye: {kind: hangup, say: goodbye}
`;
const flow = () => readFlow(TEXT, KINDS);
const edited = (changes: Change[]) => apply(TEXT, changes);
/** The lines that one text has and the other has not. */
const differ = (a: string, b: string) => {
	const rest = b.split("\n");
	return a.split("\n").filter((l) => !(rest.includes(l) && rest.splice(rest.indexOf(l), 1)));
};
/** What has changed: lines taken away, lines that came. */
const diff = (after: string) => [differ(TEXT, after), differ(after, TEXT)];

test("a flow is read with its places", () => {
	const f = flow();
	expect(f.start).toBe("greeting");
	expect(f.nodes.map((n) => [n.id, n.kind, n.line, n.lastLine])).toEqual([
		["greeting", "play", 5, 9],
		["menu", "menu", 12, 18],
		["route", "branch", 19, 25],
		["sales", "queue", 26, 26],
		["bye", "hangup", 28, 28],
	]);
	expect(f.nodes.flatMap((n) => n.exits.map((e) => [n.id, e.path.join("."), e.label, e.to]))).toEqual([
		["greeting", "next", "", "menu"],
		["menu", "keys.1", "1 Sales", "sales"],
		["menu", "keys.2", "2 Support, all", "bye"],
		["menu", "silent", "silent", "bye"],
		["route", "choices.0", 'language == "zh"', "sales"],
		["route", "choices.1", "vip", "bye"],
		["route", "else", "else", "menu"],
		["sales", "refused", "refused", "bye"],
	]);
	for (const e of f.nodes.flatMap((n) => n.exits)) expect(TEXT.slice(e.span.from, e.span.to)).toBe(e.to);
	expect(nodeAtLine(f, 16)?.id).toBe("menu");
	expect(nodeAtLine(f, 10)).toBeNull();
});

test.each([
	["nothing", ""],
	["a comment", "# only"],
	["half a node", "nodes:\n  a:\n    kind: pl"],
	["no value", "nodes:\n  a:\n  b: {kind"],
	["a list", "- a\n- b"],
	["broken quotes", 'nodes: {a: {kind: "play, next: b}}'],
	["tabs", "nodes:\n\ta:\n\t\tkind: play"],
])("%s is read as far as it goes", (_, text) => {
	expect(() => readFlow(text, KINDS)).not.toThrow();
});

test("a field is changed where it stands, and its comment stays", () => {
	expect(diff(edited(setField(flow(), "menu", "silent", "menu")))).toEqual([
		["    silent: bye # nobody there"],
		["    silent: menu # nobody there"],
	]);
	expect(diff(edited(setField(flow(), "sales", "queue", "support")))[1]).toEqual([
		"  sales: {kind: queue, queue: support, refused: bye}",
	]);
});

test("a new field comes last, in the style of its node", () => {
	expect(diff(edited(setField(flow(), "menu", "failed", "bye")))).toEqual([[], ["    failed: bye"]]);
	expect(diff(edited(setField(flow(), "sales", "served", "bye")))[1]).toEqual([
		"  sales: {kind: queue, queue: sales, refused: bye, served: bye}",
	]);
});

test("a field is taken out with its own comment only", () => {
	expect(diff(edited(setField(flow(), "menu", "silent", null)))).toEqual([["    silent: bye # nobody there"], []]);
	expect(diff(edited(setField(flow(), "sales", "kind", null)))[1]).toEqual(["  sales: {queue: sales, refused: bye}"]);
	expect(diff(edited(setField(flow(), "sales", "refused", null)))[1]).toEqual(["  sales: {kind: queue, queue: sales}"]);
	expect(diff(edited(setField(flow(), "menu", "keys", null)))[0]).toHaveLength(3);
});

const label = { beside: "label", yaml: "Help", list: false };
const none = { beside: "", yaml: "", list: false };
test("ways out are led elsewhere, added and taken away", () => {
	expect(diff(edited(connect(flow(), "menu", ["keys", "1"], "bye", label)))[1]).toEqual([
		"      1: {label: Sales, next: bye} # most of them",
	]);
	expect(diff(edited(connect(flow(), "menu", ["keys", "3"], "sales", label)))).toEqual([
		[],
		["      3: {label: Help, next: sales}"],
	]);
	expect(diff(edited(connect(flow(), "menu", ["keys", "#"], "sales", label)))[1]).toEqual([
		'      "#": {label: Help, next: sales}',
	]);
	expect(diff(edited(connect(flow(), "greeting", ["next"], "bye", none)))[1]).toEqual(["    next: bye"]);
	const when = { beside: "when", yaml: '"not vip"', list: true };
	expect(diff(edited(connect(flow(), "route", ["choices", "2"], "menu", when)))[1]).toEqual([
		'      - {when: "not vip", next: menu}',
	]);
	expect(diff(edited(disconnect(flow(), "menu", ["keys", "2"])))[0]).toEqual([
		'      2: {label: "Support, all", next: bye}',
	]);
	expect(diff(edited(disconnect(flow(), "route", ["choices", "1"])))[0]).toEqual([
		"      - when: vip",
		"        next: bye",
	]);
});

test("a node is added, renamed and taken out", () => {
	expect(
		diff(
			edited(
				addNode(flow(), "late", [
					["kind", "hangup"],
					["say", "goodbye"],
				]),
			),
		),
	).toEqual([[], ["  late: {kind: hangup, say: goodbye}"]]);
	expect(apply("", addNode(readFlow("", KINDS), "a", [["kind", "hangup"]]))).toBe("nodes:\n  a: {kind: hangup}\n");
	const renamed = edited(renameNode(flow(), "bye", "farewell"));
	expect(renamed).not.toMatch(/\bbye\b/);
	expect(renamed.match(/farewell/g)).toHaveLength(5);
	expect(edited(renameNode(flow(), "greeting", "hello"))).toContain("start: hello # the first");
	// greeting led to menu alone, so the start does now
	const gone = edited(removeNode(flow(), "greeting"));
	expect(gone).toContain("start: menu # the first");
	expect(gone).not.toContain("chinese");
	expect(gone).toContain("  # the menu");
});

test("texts are quoted where YAML would misread them", () => {
	for (const s of [
		"yes",
		"No",
		"12",
		"1.5",
		"",
		" a",
		"a: b",
		"# c",
		"a, b",
		"{x}",
		"- a",
		"'",
		'"',
		"~",
		"null",
		"12:30",
		"&a",
		"*a",
		"!t",
		"中文",
		"a b",
		"zh/x",
		"0x1F",
		"1e3",
		"2026-01-01",
		"a\nb",
		"-1",
	]) {
		expect(yaml.load(`{k: ${scalar(s)}}`)).toEqual({ k: s });
		expect(yaml.load(`k: ${scalar(s)} # c`)).toEqual({ k: s });
	}
});

/** A small generator of random numbers, so that a failure can be seen again. */
function dice(seed: number) {
	let s = seed;
	return (n: number) => {
		s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
		return Math.floor((s / 2 ** 32) * n);
	};
}

/** Random edits on random layouts: YAML says what we meant, and every comment stays unless its line went. */
test.each(Array.from({ length: 300 }, (_, i) => i))("edits keep the rest as it was (seed %i)", (seed) => {
	const roll = dice(seed + 1);
	let text = randomFlow(roll);
	for (let step = 0; step < 12; step++) {
		const f = readFlow(text, KINDS);
		const before = yaml.load(text) as { start?: string; nodes: Record<string, Record<string, unknown>> };
		expect(Object.keys(before.nodes)).toEqual(f.nodes.map((n) => n.id));
		const node = f.nodes[roll(f.nodes.length)];
		const other = f.nodes[roll(f.nodes.length)];
		if (!node || !other) return;
		const body = before.nodes[node.id] as Record<string, unknown>;
		let changes: Change[] = [];
		switch (roll(6)) {
			case 0:
				changes = setField(f, node.id, "say", scalar(`p${step}`));
				body.say = `p${step}`;
				break;
			case 1:
				changes = connect(f, node.id, ["next"], other.id, none);
				body.next = other.id;
				break;
			case 2:
				if (body.keys === undefined) break;
				changes = connect(f, node.id, ["keys", String(step)], other.id, { beside: "label", yaml: "L", list: false });
				Object.assign(body.keys as object, {
					[step]: {
						...(body.keys as Record<string, object>)[step],
						label: (body.keys as Record<string, { label?: string }>)[step]?.label ?? "L",
						next: other.id,
					},
				});
				break;
			case 3:
				if (body.silent === undefined) break;
				changes = setField(f, node.id, "silent", null);
				delete body.silent;
				break;
			case 4:
				changes = addNode(f, `new${step}`, [["kind", "menu"]], node.id);
				before.nodes[`new${step}`] = { kind: "menu" };
				break;
			case 5: {
				changes = renameNode(f, node.id, `re${step}`);
				const renamed = JSON.parse(JSON.stringify(before).replaceAll(`"${node.id}"`, `"re${step}"`)) as typeof before;
				Object.assign(before, renamed);
				break;
			}
		}
		const after = apply(text, changes);
		expect(yaml.load(after), `${text}\n---\n${after}`).toEqual(before);
		const comments = (t: string) => t.match(/#\w+/g) ?? [];
		for (const c of comments(text)) if (!(comments(after) as string[]).includes(c)) expect(c).toMatch(/#silent/);
		text = after;
	}
});

/** A flow in a random mixture of block and flow style, with a numbered comment on many lines. */
function randomFlow(roll: (n: number) => number): string {
	let n = 0;
	const note = (what = "c") => (roll(2) === 0 ? ` #${what}${n++}` : "");
	const ids = ["a", "b", "c", "d"].slice(0, 2 + roll(3));
	const some = () => ids[roll(ids.length)] as string;
	const lines = [`start: ${some()}${note()}`, `nodes:${note()}`];
	for (const id of ids) {
		if (roll(3) === 0) lines.push(`  #above${n++}`);
		if (roll(2) === 0) {
			lines.push(`  ${id}: {kind: menu, keys: {1: {label: x, next: ${some()}}}, silent: ${some()}}${note()}`);
			continue;
		}
		lines.push(`  ${id}:${note()}`, `    kind: menu${note()}`);
		if (roll(2) === 0) lines.push(`    keys:${note()}`, `      1: {label: x, next: ${some()}}${note()}`);
		else lines.push(`    keys: {1: {label: x, next: ${some()}}}${note()}`);
		lines.push(`    silent: ${some()}${note("silent")}`);
		if (roll(2) === 0) lines.push("", `    #inside${n++}`, `    next: ${some()}${note()}`);
	}
	return lines.join("\n") + (roll(3) === 0 ? "" : "\n");
}
