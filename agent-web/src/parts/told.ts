import type { ContextValue } from "../phone/views.ts";

/** The words that bots use for what every agent looks for, in the order of the card. */
const known = ["summary", "intent", "sentiment", "tries", "slots", "transcript"] as const;
export type KnownField = (typeof known)[number];

export interface Line {
	/** A known field, or "" for one of the bot's own. */
	known: KnownField | "";
	name: string;
	value: string;
}

/** lines are the fields of a bot's context, flat, the known ones first. */
export function lines(fields: Record<string, ContextValue>, yes: string, no: string): Line[] {
	const rest = Object.keys(fields).filter((name) => !(known as readonly string[]).includes(name));
	const all: Line[] = [];
	for (const name of [...known.filter((name) => name in fields), ...rest]) {
		const value = words(fields[name] ?? null, yes, no);
		if (value)
			all.push({ known: (known as readonly string[]).includes(name) ? (name as KnownField) : "", name, value });
	}
	return all;
}

function words(value: ContextValue, yes: string, no: string): string {
	if (value === null) return "";
	if (typeof value === "boolean") return value ? yes : no;
	if (typeof value !== "object") return String(value);
	if (Array.isArray(value))
		return value
			.map((one) => words(one, yes, no))
			.filter(Boolean)
			.join(", ");
	return Object.entries(value)
		.map(([name, one]) => [name, words(one, yes, no)])
		.filter(([, one]) => one)
		.map(([name, one]) => `${name}: ${one}`)
		.join(" · ");
}
