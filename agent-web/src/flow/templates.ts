import { addNode, type Change, setField } from "./edit.ts";
import type { FlowText } from "./text.ts";

/**
 * Adds a node of a kind behind the selected one: where that leads on by next, the new one comes in between; else it
 * leads to an end of the call, so that the checker has as little to say as can be.
 */
export function insertNode(flow: FlowText, id: string, kind: string, selected: string, queue: string): Change[] {
	const before = flow.nodes.find((n) => n.id === selected);
	const next = before?.exits.find((e) => e.path.length === 1 && e.path[0] === "next");
	const end = flow.nodes.find((n) => n.kind === "hangup")?.id ?? selected;
	const to = next?.to ?? end ?? id;
	const changes = addNode(flow, id, [["kind", kind], ...fields(kind, to, end || to, queue)], selected || undefined);
	return next ? [...setField(flow, selected, "next", id), ...changes] : changes;
}

/** The fields that a kind cannot be without, as YAML. */
function fields(kind: string, next: string, end: string, queue: string): [string, string][] {
	const on: [string, string] = ["next", next];
	switch (kind) {
		case "play":
			return [["say", "greeting"], on];
		case "say":
			return [["text", '{en: "Welcome.", zh: "欢迎。"}'], on];
		case "menu":
			return [
				["say", "menu_main"],
				["keys", `{1: {label: "1", next: ${next}}}`],
				["silent", end],
			];
		case "language":
			return [["say", "[greeting, zh/chinese_press_nine]"], ["keys", "{9: zh}"], on];
		case "consent":
			return [["mode", "ask"], ["say", "consent_question"], on];
		case "branch":
			return [
				["choices", `[{when: 'language == "zh"', next: ${next}}]`],
				["else", end],
			];
		case "split":
			return [["shares", `[{percent: 50, next: ${next}}, {percent: 50, next: ${end}}]`]];
		case "hours":
			return [
				["open", '[{days: mon-fri, from: "09:00", to: "17:30"}]'],
				["opened", next],
				["closed", end],
			];
		case "queue":
			return [
				["queue", queue || "sales"],
				["refused", end],
			];
		case "wait":
			return [["for", "1s"], on];
		case "hangup":
			return [["say", "goodbye"]];
		case "ring":
		case "echo":
		case "return":
			return [];
		default:
			return [on];
	}
}
