import type { Consent, EndCause, Role, Tags } from "../phone/protocol.ts";

/** The JSON of /api/v1, as docs/contract.md has it. */
export interface Session {
	user: string;
	name: string;
	role: Role;
	must_change_password: boolean;
}
export interface Info {
	version: string;
	demo: boolean;
	people: { user: string; name: string; role: Role }[] | null;
	lines: { id: string; name: string }[] | null;
}
export interface Call {
	id: string;
	line: string;
	from: string;
	/** out: we called the customer, whose number from is. */
	direction?: "in" | "out";
	name?: string | null;
	trust?: string | null;
	attest?: string | null;
	diverted_from?: string | null;
	diverted_why?: string | null;
	queue: string | null;
	agent: string | null;
	started: string;
	answered: string | null;
	ended: string | null;
	end: EndCause | null;
	consent: Consent;
	recording: string | null;
	disposition?: string | null;
	note?: string | null;
	tags?: Tags;
}
export interface TimelineEvent {
	at: string;
	kind: string;
	leg: string | null;
	text?: string;
	data?: Record<string, unknown> | null;
}
export interface CallDetail extends Call {
	timeline: TimelineEvent[] | null;
}
export interface Recording {
	id: string;
	call: string;
	started: string;
	duration: number | null;
	state: "open" | "sealed" | "cut_off" | "failed";
	consent: Consent;
	tracks: { party: string; codec: string; seconds: number }[] | null;
}
export interface Peaks {
	duration: number;
	customer: number[] | null;
	agent: number[] | null;
	marks: { at: number; kind: string; text: string }[] | null;
}
export interface VerifyReport {
	ok: boolean;
	entries: number;
	damage: { entry: number; why: string } | null;
}
export interface User {
	user: string;
	name: string;
	role: Role;
	must_change_password?: boolean;
}
export interface AuditEntry {
	at: string;
	who: string;
	action: string;
	target: string;
	details?: Record<string, unknown> | null;
}
/** Where a call can go now. */
export interface Targets {
	agents: { user: string; name: string; state: string; reason: string; since: string; free: boolean }[] | null;
	queues: { id: string; name: string; waiting: number; available: number; staffed: number }[] | null;
	numbers: string[] | null;
	outside: boolean;
}
