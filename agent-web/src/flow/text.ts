import { yamlLanguage } from "@codemirror/lang-yaml";
import type { Kinds } from "./kinds.ts";

/** A stretch of the text, in characters. */
export interface Span {
	from: number;
	to: number;
}

/** One "name: value" of a mapping. */
export interface Entry {
	name: string;
	/** The whole pair, the value's last character included. */
	pair: Span;
	key: Span;
	value: Value | null;
}

export type Value =
	| { shape: "scalar"; span: Span; text: string }
	| { shape: "map"; style: "block" | "flow"; span: Span; entries: Entry[] }
	| { shape: "list"; style: "block" | "flow"; span: Span; items: Item[] }
	/** A block text, an alias, or what cannot be read: only shown and jumped to. */
	| { shape: "other"; span: Span };

/** One item of a list; its span begins at the dash of a block list. */
export interface Item {
	span: Span;
	value: Value;
}

/** One way out of a node, as it is written. */
export interface Exit {
	/** Where it stands in the node: ["next"], ["keys", "1"], ["choices", "0"]. */
	path: string[];
	to: string;
	/** What leads there, for the line's label: "", "1 Sales", "silent". */
	label: string;
	/** The target's name in the text. */
	span: Span;
}

/** A node of the flow and where it stands. */
export interface FlowNode {
	id: string;
	kind: string;
	entry: Entry;
	/** Its first and last line, counted from 1. */
	line: number;
	lastLine: number;
	fields: Entry[];
	exits: Exit[];
}

/** A flow file as its text says it, right or wrong. */
export interface FlowText {
	text: string;
	/** The name under start:, or the first node's; "" without nodes. */
	start: string;
	startValue: Value | null;
	nodes: FlowNode[];
	/** The mapping under nodes:, null while there is none. */
	body: (Value & { shape: "map" }) | null;
}

type Tree = ReturnType<typeof yamlLanguage.parser.parse>;
type SyntaxNode = Tree["topNode"];

/** Reads a flow as far as it can be read; it never throws. kinds says which fields lead on. */
export function readFlow(text: string, kinds: Kinds): FlowText {
	const flow: FlowText = { text, start: "", startValue: null, nodes: [], body: null };
	const top = yamlLanguage.parser.parse(text).topNode.getChild("Document");
	const root = top && readValue(top.getChild("BlockMapping") ?? top.getChild("FlowMapping"), text);
	if (root?.shape !== "map") return flow;
	const lines = lineStarts(text);
	for (const { name, value } of root.entries) {
		if (name === "start") flow.startValue = value;
		if (name === "nodes" && value?.shape === "map") flow.body = value;
	}
	for (const entry of flow.body?.entries ?? []) flow.nodes.push(nodeOf(entry, kinds, lines));
	const start = flow.startValue?.shape === "scalar" ? flow.startValue.text : "";
	flow.start = start || (flow.nodes[0]?.id ?? "");
	return flow;
}

function nodeOf(entry: Entry, kinds: Kinds, lines: number[]): FlowNode {
	const fields = entry.value?.shape === "map" ? entry.value.entries : [];
	const kindValue = fields.find((f) => f.name === "kind")?.value;
	const kind = kindValue?.shape === "scalar" ? kindValue.text : "";
	const exits = fields.flatMap((f) => exitsOf(f, kinds.field(kind, f.name)?.type));
	return {
		id: entry.name,
		kind,
		entry,
		fields,
		exits,
		line: lineAt(lines, entry.pair.from),
		lastLine: lineAt(lines, entry.pair.to),
	};
}

function exitsOf(field: Entry, type: string | undefined): Exit[] {
	const { name, value } = field;
	if (type === "exit" && value?.shape === "scalar" && value.text !== "") {
		return [{ path: [name], to: value.text, label: name === "next" ? "" : name, span: value.span }];
	}
	if (type !== "exits" || !value) return [];
	if (value.shape === "map") {
		return value.entries.flatMap((e) => entryExit([name, e.name], e.name, e.value));
	}
	if (value.shape === "list") {
		return value.items.flatMap((item, i) => entryExit([name, String(i)], "", item.value));
	}
	return [];
}

/** The exit of one entry: its own text is the target, or the next: in it. */
function entryExit(path: string[], key: string, value: Value | null): Exit[] {
	if (value?.shape === "scalar") return [{ path, to: value.text, label: key, span: value.span }];
	if (value?.shape !== "map") return [];
	const said = (name: string) => {
		const v = value.entries.find((e) => e.name === name)?.value;
		return v?.shape === "scalar" ? v.text : "";
	};
	const next = value.entries.find((e) => e.name === "next")?.value;
	if (next?.shape !== "scalar") return [];
	const percent = said("percent");
	const label = [key, said("label"), said("when"), percent && `${percent} %`].filter((w) => w !== "").join(" ");
	return [{ path, to: next.text, label, span: next.span }];
}

function readValue(node: SyntaxNode | null, text: string): Value | null {
	if (!node) return null;
	const span = { from: node.from, to: node.to };
	switch (node.name) {
		case "Literal":
			return { shape: "scalar", span, text: text.slice(span.from, span.to) };
		case "QuotedLiteral":
			return { shape: "scalar", span, text: unquote(text.slice(span.from, span.to)) };
		case "BlockMapping":
		case "FlowMapping": {
			const style = node.name === "BlockMapping" ? "block" : "flow";
			return { shape: "map", style, span, entries: node.getChildren("Pair").flatMap((p) => entryOf(p, text)) };
		}
		case "BlockSequence":
		case "FlowSequence":
			return {
				shape: "list",
				style: node.name === "BlockSequence" ? "block" : "flow",
				span,
				items: itemsOf(node, text),
			};
		default:
			return { shape: "other", span };
	}
}

const VALUES = [
	"Literal",
	"QuotedLiteral",
	"BlockMapping",
	"FlowMapping",
	"BlockSequence",
	"FlowSequence",
	"BlockLiteral",
	"Anchored",
	"Tagged",
	"Alias",
];

function entryOf(pair: SyntaxNode, text: string): Entry[] {
	const key = pair.getChild("Key");
	const name = readValue(key?.firstChild ?? null, text);
	if (!key || name?.shape !== "scalar") return [];
	let value: Value | null = null;
	for (let n = key.nextSibling; n; n = n.nextSibling) if (VALUES.includes(n.name)) value = readValue(n, text);
	return [{ name: name.text, pair: { from: pair.from, to: pair.to }, key: { from: key.from, to: key.to }, value }];
}

function itemsOf(list: SyntaxNode, text: string): Item[] {
	const items: Item[] = [];
	let dash: number | null = null;
	for (let n = list.firstChild; n; n = n.nextSibling) {
		if (n.name === "-") dash = n.from;
		if (n.name !== "Item") continue;
		let inner = n.firstChild;
		while (inner && !VALUES.includes(inner.name) && inner.name !== "Pair") inner = inner.nextSibling;
		const span = { from: dash ?? n.from, to: n.to };
		// [a: b] is a mapping of one pair without braces.
		const value = inner?.name === "Pair" ? null : readValue(inner, text);
		items.push({ span, value: value ?? { shape: "other", span } });
		dash = null;
	}
	return items;
}

function unquote(raw: string): string {
	if (raw.startsWith("'"))
		return raw.slice(1, raw.endsWith("'") && raw.length > 1 ? -1 : undefined).replaceAll("''", "'");
	try {
		return JSON.parse(raw) as string;
	} catch {
		return raw.slice(1, -1); // escapes that only YAML knows, or an open quote
	}
}

/** The offsets at which lines begin. */
export function lineStarts(text: string): number[] {
	const starts = [0];
	for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
	return starts;
}

/** The line of an offset, counted from 1. */
export function lineAt(starts: readonly number[], offset: number): number {
	let low = 0;
	let high = starts.length - 1;
	while (low < high) {
		const middle = (low + high + 1) >> 1;
		if ((starts[middle] ?? 0) <= offset) low = middle;
		else high = middle - 1;
	}
	return low + 1;
}

/** The node whose lines hold a line; null between nodes. */
export function nodeAtLine(flow: FlowText, line: number): FlowNode | null {
	return flow.nodes.find((n) => n.line <= line && line <= n.lastLine) ?? null;
}
