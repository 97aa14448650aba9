import type { Entry, FlowNode, FlowText, Item, Value } from "./text.ts";

/** One replacement of a stretch of the text; the form that CodeMirror takes. */
export interface Change {
	from: number;
	to: number;
	insert: string;
}

/** Carries changes out; they must not overlap. */
export function apply(text: string, changes: readonly Change[]): string {
	let out = text;
	for (const c of [...changes].sort((a, b) => b.from - a.from)) out = out.slice(0, c.from) + c.insert + out.slice(c.to);
	return out;
}

const PLAIN = /^[\p{L}_/][\p{L}\p{N}_./ -]*$/u;

/** Writes a text as a YAML scalar: plain where nobody can misread it, quoted else. */
export function scalar(value: string): string {
	const spaces = /^\s|\s$/.test(value) || value === "";
	const misread = /^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
	return !spaces && !misread && PLAIN.test(value) ? value : JSON.stringify(value);
}

/** Writes a number, a time or a word as it stands, anything else quoted. */
export function bare(value: string): string {
	return /^[0-9]+$|^[0-9.]+(ms|s|m|h)([0-9]+s)?$|^(true|false)$/.test(value) ? value : scalar(value);
}

/** Writes names as one scalar or a list of them. */
export function names(list: readonly string[]): string {
	const first = list[0];
	return list.length === 1 && first !== undefined ? scalar(first) : `[${list.map(scalar).join(", ")}]`;
}

/** Sets a field of a node to YAML text, at the end of the node if it is new; null takes it out. */
export function setField(flow: FlowText, id: string, name: string, yaml: string | null): Change[] {
	const node = flow.nodes.find((n) => n.id === id);
	if (!node) return [];
	const field = node.fields.find((f) => f.name === name);
	if (yaml === null) return field ? removeEntry(flow.text, mapOf(node.entry), field) : [];
	if (field) return [replaceValue(field, yaml)];
	const map = mapOf(node.entry);
	if (map) return [addEntry(flow.text, map, name, yaml)];
	// "name:" with nothing behind it yet
	return [{ from: node.entry.key.to, to: node.entry.pair.to, insert: `: {${name}: ${yaml}}` }];
}

/** What an entry of a mapping or a list of exits is made of. */
export interface ExitEntry {
	/** "" where the entry is the target's name alone; else the key beside next, and its YAML. */
	beside: string;
	yaml: string;
	list: boolean;
}

/**
 * Leads a way out to a node: an exit that is there gets another target, one that is not is added. path is
 * ["next"], or [field, key] of a mapping of exits, or [field, index] of a list of them.
 */
export function connect(flow: FlowText, id: string, path: readonly string[], to: string, entry: ExitEntry): Change[] {
	const node = flow.nodes.find((n) => n.id === id);
	const [field, key] = path;
	if (!node || field === undefined) return [];
	const there = node.exits.find((e) => e.path.join("\n") === path.join("\n"));
	if (there) return [{ ...there.span, insert: scalar(to) }];
	if (key === undefined) return setField(flow, id, field, scalar(to));
	const body = entry.beside === "" ? scalar(to) : `{${entry.beside}: ${entry.yaml}, next: ${scalar(to)}}`;
	const old = node.fields.find((f) => f.name === field);
	if (entry.list) {
		if (old?.value?.shape === "list" && old.value.items.length > 0) return [addItem(flow.text, old.value, body)];
		return setField(flow, id, field, `[${body}]`);
	}
	if (old?.value?.shape === "map" && old.value.entries.length > 0) {
		return [addEntry(flow.text, old.value, mapKey(key), body)];
	}
	return setField(flow, id, field, `{${mapKey(key)}: ${body}}`);
}

/** Takes a way out away: the field, the key with what belongs to it, or the item of a list. */
export function disconnect(flow: FlowText, id: string, path: readonly string[]): Change[] {
	const node = flow.nodes.find((n) => n.id === id);
	const [field, key] = path;
	const old = node?.fields.find((f) => f.name === field);
	if (!node || !old || field === undefined) return [];
	if (key === undefined) return setField(flow, id, field, null);
	const { value } = old;
	if (value?.shape === "map") {
		const entry = value.entries.find((e) => e.name === key);
		if (!entry) return [];
		return value.entries.length === 1 ? setField(flow, id, field, null) : removeEntry(flow.text, value, entry);
	}
	if (value?.shape !== "list") return [];
	const item = value.items[Number(key)];
	if (!item) return [];
	return value.items.length === 1 ? setField(flow, id, field, null) : [removeItem(flow.text, value, item)];
}

/** Adds a node behind another one, or at the end. fields are YAML texts in order. */
export function addNode(flow: FlowText, id: string, fields: readonly [string, string][], after?: string): Change[] {
	const body = `{${fields.map(([n, v]) => `${n}: ${v}`).join(", ")}}`;
	if (!flow.body) {
		const gap = flow.text === "" || flow.text.endsWith("\n") ? "" : "\n";
		return [{ from: flow.text.length, to: flow.text.length, insert: `${gap}nodes:\n  ${id}: ${body}\n` }];
	}
	return [addEntry(flow.text, flow.body, id, body, flow.nodes.find((n) => n.id === after)?.entry)];
}

/**
 * Takes a node out. Who led to it goes on where it led, if there was one such place; else the checker shows who
 * leads nowhere now.
 */
export function removeNode(flow: FlowText, id: string): Change[] {
	const node = flow.nodes.find((n) => n.id === id);
	if (!node || !flow.body) return [];
	const targets = new Set(node.exits.map((e) => e.to));
	const [only] = targets;
	const relink = targets.size === 1 && only !== undefined && only !== id ? only : null;
	const changes =
		flow.nodes.length === 1
			? [{ from: flow.body.span.from, to: flow.body.span.to, insert: " {}" }]
			: removeEntry(flow.text, flow.body, node.entry);
	if (relink === null) return changes;
	return [...changes, ...references(flow, id, node).map((span) => ({ ...span, insert: scalar(relink) }))];
}

/** Gives a node another name, everywhere. */
export function renameNode(flow: FlowText, id: string, to: string): Change[] {
	const node = flow.nodes.find((n) => n.id === id);
	if (!node || id === to) return [];
	return [{ ...node.entry.key, insert: to }, ...references(flow, id, null).map((span) => ({ ...span, insert: to }))];
}

/** Where a node's name stands, apart from its own key and from inside a node that is left out. */
function references(flow: FlowText, id: string, without: FlowNode | null) {
	const spans = flow.nodes
		.filter((n) => n !== without)
		.flatMap((n) => n.exits.filter((e) => e.to === id).map((e) => e.span));
	if (flow.startValue?.shape === "scalar" && flow.startValue.text === id) spans.push(flow.startValue.span);
	return spans;
}

function mapOf(entry: Entry): (Value & { shape: "map" }) | null {
	return entry.value?.shape === "map" ? entry.value : null;
}

/** A key of a mapping of exits: digits stand as they are, # and * are quoted. */
function mapKey(key: string): string {
	return /^[0-9]+$/.test(key) ? key : scalar(key);
}

function replaceValue(field: Entry, yaml: string): Change {
	const value = field.value;
	if (!value) return { from: field.key.to, to: field.pair.to, insert: `: ${yaml}` };
	// A block value begins on the lines below its key.
	if ((value.shape === "map" || value.shape === "list") && value.style === "block") {
		return { from: field.key.to, to: value.span.to, insert: `: ${yaml}` };
	}
	return { ...value.span, insert: yaml };
}

/** Adds "name: yaml" to a mapping, behind an entry or at its end, in the mapping's own style. */
function addEntry(text: string, map: Value & { shape: "map" }, name: string, yaml: string, after?: Entry): Change {
	const last = after ?? map.entries.at(-1);
	if (map.style === "flow") {
		if (!last) return { from: map.span.from, to: map.span.to, insert: `{${name}: ${yaml}}` };
		return { from: last.pair.to, to: last.pair.to, insert: `, ${name}: ${yaml}` };
	}
	const first = map.entries[0];
	if (!last || !first) return { from: map.span.to, to: map.span.to, insert: `\n${name}: ${yaml}` };
	const at = lineEnd(text, last.pair.to);
	return { from: at, to: at, insert: `\n${" ".repeat(columnOf(text, first.pair.from))}${name}: ${yaml}` };
}

function addItem(text: string, list: Value & { shape: "list" }, yaml: string): Change {
	const last = list.items.at(-1) as Item;
	if (list.style === "flow") return { from: last.span.to, to: last.span.to, insert: `, ${yaml}` };
	const at = lineEnd(text, last.span.to);
	return { from: at, to: at, insert: `\n${" ".repeat(columnOf(text, last.span.from))}- ${yaml}` };
}

/** Takes an entry out with the comment at its end of line; comments above it stay. */
function removeEntry(text: string, map: (Value & { shape: "map" }) | null, entry: Entry): Change[] {
	if (!map) return [];
	if (map.style === "flow") return [withComma(text, entry.pair, map.span)];
	return [wholeLines(text, entry.pair)];
}

function removeItem(text: string, list: Value & { shape: "list" }, item: Item): Change {
	return list.style === "flow" ? withComma(text, item.span, list.span) : wholeLines(text, item.span);
}

/** A part of a flow collection with one of its commas. */
function withComma(text: string, part: { from: number; to: number }, whole: { from: number; to: number }): Change {
	const behind = /^\s*,\s*/.exec(text.slice(part.to, whole.to));
	if (behind) return { from: part.from, to: part.to + behind[0].length, insert: "" };
	const before = /\s*,\s*$/.exec(text.slice(whole.from, part.from));
	return { from: part.from - (before?.[0].length ?? 0), to: part.to, insert: "" };
}

/** The lines of a part; what stands before it on its first line ("- ") stays with what comes next. */
function wholeLines(text: string, part: { from: number; to: number }): Change {
	const from = text.lastIndexOf("\n", part.from - 1) + 1;
	const end = lineEnd(text, part.to);
	if (text.slice(from, part.from).trim() !== "") {
		// The first field of a list's item: the next one takes its place.
		const next = /^\n\s*/.exec(text.slice(end));
		return { from: part.from, to: end + (next?.[0].length ?? 0), insert: "" };
	}
	return end < text.length ? { from, to: end + 1, insert: "" } : { from: Math.max(0, from - 1), to: end, insert: "" };
}

/** The end of an offset's line. */
function lineEnd(text: string, offset: number): number {
	const end = text.indexOf("\n", offset);
	return end < 0 ? text.length : end;
}

function columnOf(text: string, offset: number): number {
	return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}
