import type { Api } from "./client.ts";
import type { Schemas } from "./types.ts";

export interface Trunk {
	id: string;
	group: string;
	state: "unknown" | "up" | "down" | "refused" | "resting";
	since: string;
	order: number;
	weight: number;
	transport: string;
	registers: boolean;
	registered: string | null;
	login: boolean;
	/** calls are out over it, inbound came in over it; caps of 0 are none. */
	calls: number;
	inbound: number;
	max_calls: number;
	max_calls_in: number;
	calls_per_second: number;
	placed: number;
	failed: number;
	/** calls that were not answered, by status or by word. */
	causes: Record<string, number> | null;
	/** the last hour, the oldest minute first. */
	minutes: Minute[];
	answer: string | null;
	answer_ms: number | null;
	answer_at: string | null;
	error: string | null;
	error_at: string | null;
	hosts: string[];
}
export interface Minute {
	placed: number;
	failed: number;
}

export interface WayOut {
	calls: number;
	calls_cap: number;
	last_hour: number;
	hour_cap: number;
	spent: number;
	spend_cap: number;
	stopped: { at: string; by: string; why: string } | null;
	blocked: { who: string; until: string }[];
}

export interface Rule {
	lines: string[];
	purposes: string[];
	users: string[];
	inbound: boolean;
	countries: string[];
	prefixes: string[];
	premium: boolean;
	short: boolean;
	no_country: boolean;
	extensions: string[];
	hours: string[];
	trunks: string;
}

export const PURPOSES = ["seat", "api", "callback", "flow", "transfer", "refer", "redirect"] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface Question {
	number: string;
	line: string;
	purpose: Purpose;
	user?: string;
	inbound: boolean;
}
export interface Verdict {
	number: string;
	national: string;
	country: string;
	kind: string;
	listed: boolean;
	allowed: boolean;
	why: string;
	message: string;
	rule: number | null;
	group: string;
	trunks: { id: string; state: Trunk["state"]; order: number; weight: number; usable: boolean }[];
	per_call: number;
	per_minute: number;
}

export interface Listed {
	number: string;
	since: string;
	by: string;
	why: string;
}
export interface Imported {
	read: number;
	added: number;
	wrong: { line: number; why: string }[];
	left_out: number;
}

export interface Telephone {
	user: string;
	uri: string;
	address: string;
	transport: string;
	user_agent: string;
	since: string;
	refreshed: string;
	expires: string;
}

/** An address that the SIP port shuts out. */
export type Ban = Schemas["BanView"];

/** The server shows so many numbers at most. */
export const MOST_LISTED = 1000;

/** What is joined to the house: carriers, rules, numbers that are not called, telephones. */
export class TelephonyApi {
	constructor(private readonly api: Api) {}
	trunks = () => this.api.request<Trunk[]>("GET", "trunks");
	wayOut = () => this.api.request<WayOut>("GET", "outbound");
	stop = (why: string) => this.api.request<WayOut>("POST", "outbound/stop", { why });
	resume = (why: string) => this.api.request<WayOut>("POST", "outbound/resume", { why });
	rules = () => this.api.request<Rule[]>("GET", "outbound/rules");
	try = (question: Question) => this.api.request<Verdict>("POST", "outbound/try", question);
	listed = (q: string) => this.api.request<Listed[]>("GET", `do-not-call?${new URLSearchParams({ q })}`);
	list = (number: string, why: string) => this.api.request<void>("POST", "do-not-call", { number, why });
	unlist = (number: string, why: string) => this.api.request<void>("POST", "do-not-call/remove", { number, why });
	import = (csv: string, why: string) => this.api.request<Imported>("POST", "do-not-call/import", { csv, why });
	telephones = () => this.api.request<Telephone[]>("GET", "phones");
	bans = () => this.api.request<Ban[]>("GET", "bans");
	letIn = (address: string) => this.api.request<void>("DELETE", `bans/${encodeURIComponent(address)}`);
	remove = (user: string, uri: string) => this.api.request<void>("POST", "phones/remove", { user, uri });
}
