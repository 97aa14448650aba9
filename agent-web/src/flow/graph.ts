import type { Schemas } from "../api/types.ts";
import type { FlowText } from "./text.ts";

/** The server's picture of a flow: ivr.Graph. */
export type Graph = Schemas["IvrGraph"];

/** What a card shows. */
export interface Card extends Record<string, unknown> {
	id: string;
	kind: string;
	/** The first words that a caller hears there, or what it does. */
	words: string;
	callers: number;
	start: boolean;
	reached: boolean;
	trouble: string;
	width: number;
	height: number;
}

export interface CardNode {
	id: string;
	type: "card";
	position: { x: number; y: number };
	data: Card;
	width: number;
	height: number;
	selected: boolean;
	ariaLabel: string;
}

export interface Line {
	id: string;
	source: string;
	target: string;
	label: string;
	class: string;
	ariaLabel: string;
	/** Ways back leave and come in at the side, so that they cross no card. */
	sourceHandle?: string;
	targetHandle?: string;
}

export interface Look {
	placed: Graph | null;
	selected: string;
	callers: ReadonlyMap<string, number>;
	/** What is wrong with a node, if anything. */
	trouble: ReadonlyMap<string, string>;
	/** The text of a prompt, "" if it is not known. */
	prompt: (id: string) => string;
	/** What the server says that a node does, in the page's language. */
	does: (summary: string) => string;
	/** Says a card and a line to a screen reader. */
	say: { card: (card: Card) => string; line: (from: string, to: string, label: string) => string };
}

/** The name of the handles at a card's side. */
export const SIDE = "side";

const WIDTH = 210;
const HEIGHT = 58;
const GAP = 34;

/**
 * Joins the text's nodes and lines with the server's places. The text is newer: what the server has not placed yet
 * stands in a row below, and lines are those of the text.
 */
export function draw(flow: FlowText, look: Look): { nodes: CardNode[]; edges: Line[] } {
	const placed = new Map(look.placed?.nodes.map((n) => [n.id, n]));
	let x = 0;
	const below = (look.placed?.height ?? 0) + (look.placed ? 84 : 0);
	const nodes = flow.nodes.map((node): CardNode => {
		const at = placed.get(node.id);
		const data: Card = {
			id: node.id,
			kind: node.kind,
			words: at?.prompts?.map(look.prompt).find((w) => w !== "") || look.does(at?.summary ?? ""),
			callers: look.callers.get(node.id) ?? 0,
			start: node.id === flow.start,
			reached: at?.reached ?? true,
			trouble: look.trouble.get(node.id) ?? "",
			width: at?.width ?? WIDTH,
			height: at?.height ?? HEIGHT,
		};
		const position = at ? { x: at.x, y: at.y } : { x, y: below };
		if (!at) x += WIDTH + GAP;
		const { width, height } = data;
		return {
			id: node.id,
			type: "card",
			position,
			data,
			width,
			height,
			selected: node.id === look.selected,
			ariaLabel: look.say.card(data),
		};
	});
	return { nodes, edges: lines(flow, look) };
}

/** One line for all the ways that join the same two nodes. */
function lines(flow: FlowText, look: Look): Line[] {
	const known = new Set(flow.nodes.map((n) => n.id));
	const back = new Set(look.placed?.edges.filter((e) => e.back).map((e) => `${e.from}→${e.to}`));
	const all = new Map<string, Line>();
	for (const node of flow.nodes) {
		for (const exit of node.exits) {
			if (!known.has(exit.to)) continue;
			const id = `${node.id}→${exit.to}`;
			const old = all.get(id);
			const label = [old?.label ?? "", exit.label].filter((l) => l !== "").join(" · ");
			const loop = back.has(id) || node.id === exit.to;
			const ariaLabel = look.say.line(node.id, exit.to, label);
			const side = loop ? { sourceHandle: SIDE, targetHandle: SIDE } : {};
			const line = { id, source: node.id, target: exit.to, label: cut(label, 28), ariaLabel, ...side };
			all.set(id, { ...line, class: loop ? "line-back" : "" });
		}
	}
	return [...all.values()];
}

/** Shortens a text to n characters. */
export function cut(text: string, n: number): string {
	const letters = [...text];
	return letters.length <= n ? text : `${letters.slice(0, n - 1).join("")}…`;
}

/** What a node is for, which gives a card its colour. */
export function purpose(kind: string): "ask" | "consent" | "queue" | "think" | "end" | "say" {
	if (["menu", "collect", "language", "survey", "speech", "studio"].includes(kind)) return "ask";
	if (kind === "consent") return "consent";
	if (["queue", "agent", "dial", "voicemail", "callback", "stream"].includes(kind)) return "queue";
	if (["branch", "split", "hours", "set", "lookup", "subflow", "goto", "return"].includes(kind)) return "think";
	return kind === "hangup" ? "end" : "say";
}
