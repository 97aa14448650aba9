import type { TimelineEvent } from "../api/types.ts";
import type { App } from "../state/app.svelte.ts";

/** The kinds of a timeline in the groups by which it is filtered. */
export const GROUPS = {
	sip: ["sip"],
	flow: ["flow", "consent", "digits"],
	queue: ["queue", "offer", "answer", "agent_state", "wrapup"],
	call: ["hold", "resume", "mute", "reconnect", "consult", "listen", "recording", "silence", "video", "end"],
	quality: ["quality"],
} as const;
export type Group = keyof typeof GROUPS;

/** The group of a kind; a kind that is new to us stands with the call. */
export function groupOf(kind: string): Group {
	for (const group of Object.keys(GROUPS) as Group[]) {
		if ((GROUPS[group] as readonly string[]).includes(kind)) return group;
	}
	return "call";
}

/** One arrow of the SIP ladder. */
export interface Rung {
	at: string;
	summary: string;
	/** From the server to the peer, or from the peer to the server. */
	way: "out" | "in";
	leg: string;
	transport: string;
	tone: "request" | "ok" | "failed";
}

export function ladder(events: readonly TimelineEvent[]): Rung[] {
	return events.filter((e) => e.kind === "sip").map(rung);
}

function rung(event: TimelineEvent): Rung {
	const data = event.data ?? {};
	const status = Number(data.status ?? 0);
	return {
		at: event.at,
		// The arrow says which way, so the words need not.
		summary: (event.text ?? "").replace(/^(sent|received) /, ""),
		way: data.sent === true ? "out" : "in",
		leg: event.leg ?? "customer",
		transport: typeof data.transport === "string" ? data.transport.toUpperCase() : "",
		tone: status >= 400 ? "failed" : status >= 200 ? "ok" : "request",
	};
}

/** The last figures of each leg. */
export function lastQuality(events: readonly TimelineEvent[]): { leg: string; data: Record<string, unknown> }[] {
	const legs = new Map<string, Record<string, unknown>>();
	for (const e of events) if (e.kind === "quality" && e.data) legs.set(e.leg ?? "customer", e.data);
	return [...legs].map(([leg, data]) => ({ leg, data }));
}

/** An event's data as lines, for those who want to know exactly. */
export function details(event: TimelineEvent): [string, string][] {
	return Object.entries(event.data ?? {})
		.filter(([, value]) => value !== null && value !== "")
		.map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}

/** Whose leg of a call it is: "agent-2" is the second agent's. */
export function party(app: Pick<App, "word">, leg: string): string {
	const [, whose = leg, n] = /^(.+)-(\d+)$/.exec(leg) ?? [];
	return n ? `${app.word("party", whose)} ${n}` : app.word("party", leg);
}
