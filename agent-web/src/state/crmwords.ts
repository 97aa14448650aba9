import type { Phase } from "../phone/protocol.ts";
import type { CallView } from "../phone/views.ts";

/** The messages between the seat and the CRM's page, as docs/crm.md has them. */
export const VERSION = 1;

/** What the CRM's page is told of a call. */
export interface Told {
	type: "callfloor.call";
	v: typeof VERSION;
	contact: string;
	phase: Phase | "ended";
	line: string;
	queue: string;
	/** Masked. */
	from: string;
	direction: "in" | "out";
	/** Since when it is in this phase. */
	at: string;
}

/** What the CRM's page may say. */
export type Said =
	| { type: "callfloor.ready" }
	| { type: "callfloor.back" }
	| { type: "callfloor.dial"; number: string; line: string }
	| { type: "callfloor.note"; contact: string; text: string };

/** What people dial, as the number pad takes it. */
const NUMBER = /^\+?[0-9][0-9 ().-]{0,38}$/;
const MAX_NAME = 64;
/** Characters of a note that comes at once. */
const MAX_TEXT = 1000;

export function told(call: CallView): Told {
	const { contact, phase, line, queue, from, since } = call;
	const direction = call.outbound ? "out" : "in";
	return { type: "callfloor.call", v: VERSION, contact, phase, line, queue, from, direction, at: since };
}

/** What a message says; null unless it is one of ours, from the very page at that origin. */
export function heard(
	message: { origin: string; source: unknown; data: unknown },
	page: { origin: string; window: unknown },
): Said | null {
	if (!page.window || message.source !== page.window || message.origin !== page.origin) return null;
	if (typeof message.data !== "object" || message.data === null) return null;
	const { type, v, number, line = "", contact, text } = message.data as Record<string, unknown>;
	if (v !== VERSION) return null;
	switch (type) {
		case "callfloor.ready":
		case "callfloor.back":
			return { type };
		case "callfloor.dial":
			return typeof number === "string" && NUMBER.test(number) && short(line, MAX_NAME) ? { type, number, line } : null;
		case "callfloor.note":
			return short(contact, MAX_NAME) && short(text, MAX_TEXT) && text.trim() !== ""
				? { type, contact, text: text.trim() }
				: null;
		default:
			return null;
	}
}

function short(value: unknown, length: number): value is string {
	return typeof value === "string" && value.length <= length;
}
