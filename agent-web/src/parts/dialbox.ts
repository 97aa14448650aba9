import type { Targets } from "../api/types.ts";
import type { Target } from "../phone/protocol.ts";

/** One line of the dial box. */
export interface Choice {
	to: Target;
	name: string;
	/** Why it cannot be chosen: a word; "" when it can. */
	why: "" | "busy" | "queue" | "unstaffed";
	agent?: { state: string; reason: string };
	queue?: { waiting: number; available: number };
}

/** A number as people type it: digits, perhaps with a plus, blanks and dashes. */
const NUMBER = /^\+?[\d\s().-]{3,}$/;

/** What can be chosen, the likeliest first: what was typed as a number, who is free, queues, the rest. */
export function choices(found: Targets | null, typed: string, purpose: "consult" | "transfer"): Choice[] {
	if (!found) return [];
	const number = (id: string): Choice => ({ to: { kind: "number", id }, name: id, why: "" });
	const wanted = typed.trim();
	const typedNumber = found.outside && NUMBER.test(wanted) ? [wanted.replace(/[\s().-]/g, "")] : [];
	const agents = (found.agents ?? []).map(
		(a): Choice => ({
			to: { kind: "agent", id: a.user },
			name: a.name,
			why: a.free ? "" : "busy",
			agent: { state: a.state, reason: a.reason },
		}),
	);
	const queues = (found.queues ?? []).map(
		(q): Choice => ({
			to: { kind: "queue", id: q.id },
			name: q.name,
			why: purpose === "consult" ? "queue" : q.staffed === 0 ? "unstaffed" : "",
			queue: { waiting: q.waiting, available: q.available },
		}),
	);
	const numbers = (found.numbers ?? []).filter((n) => !typedNumber.includes(n)).map(number);
	// What was found may be for what was typed before: Enter must not choose that.
	const word = wanted.toLowerCase();
	const fits = (c: Choice) => word === "" || [c.name, c.to.id].some((w) => w.toLowerCase().includes(word));
	return [...typedNumber.map(number), ...[...agents, ...queues, ...numbers].filter(fits)];
}
