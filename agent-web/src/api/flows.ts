import type { Graph } from "../flow/graph.ts";
import type { Kind } from "../flow/kinds.ts";
import type { EndCause } from "../phone/protocol.ts";
import type { Api } from "./client.ts";

/** The JSON of /api/v1/flows, as api/flow_routes.go has it. */
export interface FlowSummary {
	name: string;
	version: string;
	lines: string[] | null;
	uses: string[] | null;
	built_in: boolean;
	nodes: number;
	callers: number;
	wrong: number;
}
export interface FlowProblem {
	file: string;
	line: number;
	column: number;
	message: string;
	path: string[] | null;
	on_line: string;
}
export interface FlowDetail extends FlowSummary {
	text: string;
	graph: Graph;
	problems: FlowProblem[] | null;
	tests: string | null;
	current: boolean;
}
export interface FlowCheck {
	ok: boolean;
	version: string;
	problems: FlowProblem[] | null;
	graph: Graph;
}
export interface FlowVersion {
	flow: string;
	version: string;
	at: string;
	by: string;
	note: string;
	current: boolean;
	callers: number;
}
export interface FlowCallers {
	flow: string;
	version: string;
	node: string;
	callers: number;
}
export interface FlowOutcome {
	name: string;
	place: string;
	ok: boolean;
	seconds: number;
	failures: string[] | null;
	trace: string[] | null;
}
export interface TrialEvent {
	at: number;
	kind: string;
	flow: string;
	node: string;
	type?: string;
	text: string;
	prompt?: string;
	language?: string;
	seconds?: number;
	data?: Record<string, unknown>;
}
export interface Trial {
	events: TrialEvent[] | null;
	now: number;
	waits: string;
	until: number;
	flow: string;
	node: string;
	language: string;
	consent: string;
	csat: number;
	vars: Record<string, unknown> | null;
	end: EndCause | null;
	failure: string;
}
export interface PromptVersion {
	language: string;
	version: string;
	text: string;
	source: "built_in" | "uploaded" | "recorded";
	seconds: number;
	level: number;
	peak: number;
	at: string | null;
	by: string;
	current: boolean;
}
export interface PromptSummary {
	id: string;
	number: number;
	languages: PromptVersion[] | null;
	missing: string[] | null;
	flows: string[] | null;
}

const at = encodeURIComponent;

/** FlowsApi is the part of the API that the flow editor and the prompts page speak. */
export class FlowsApi {
	constructor(private readonly api: Api) {}

	list = () => this.api.request<FlowSummary[]>("GET", "flows");
	show = (name: string, version = "") =>
		this.api.request<FlowDetail>("GET", `flows/${at(name)}${version ? `?version=${at(version)}` : ""}`);
	callers = () => this.api.request<FlowCallers[]>("GET", "flow-callers");
	kinds = () => this.api.request<Kind[]>("GET", "flow-kinds");
	check = (name: string, text: string) => this.api.request<FlowCheck>("POST", `flows/${at(name)}/check`, { text });
	versions = (name: string) => this.api.request<FlowVersion[]>("GET", `flows/${at(name)}/versions`);
	publish = (name: string, body: { text: string; base: string; note: string; tests?: string }) =>
		this.api.request<FlowVersion>("PUT", `flows/${at(name)}`, body);
	rollBack = (name: string, version: string, note: string) =>
		this.api.request<FlowVersion>("POST", `flows/${at(name)}/roll-back`, { version, note });
	test = (name: string, text: string) => this.api.request<FlowOutcome[]>("POST", `flows/${at(name)}/test`, { text });
	simulate = (body: { name: string; text: string; script: unknown; consent?: string }) =>
		this.api.request<Trial>("POST", "flow-simulations", body);

	/** A real call from this page; the document's flow_call says how it goes. */
	call = (body: { name: string; text?: string; line: string; caller: string }) =>
		this.api.request<{ call: string }>("POST", "flow-calls", body);
	callKeys = (keys: string) => this.api.request<void>("POST", "flow-calls/keys", { keys });
	endCall = () => this.api.request<void>("DELETE", "flow-calls");

	prompts = () => this.api.request<PromptSummary[]>("GET", "prompts");
	promptVersions = (language: string, id: string) =>
		this.api.request<PromptVersion[]>("GET", `prompts/${at(language)}/${at(id)}/versions`);
	promptURL = (language: string, id: string, version: string) =>
		`/api/v1/prompts/${at(language)}/${at(id)}/audio?version=${at(version)}`;
	uploadPrompt = (language: string, id: string, text: string, wav: Blob) =>
		this.api.request<PromptVersion>("POST", `prompts/${at(language)}/${at(id)}?text=${at(text)}`, wav);
	restorePrompt = (language: string, id: string, version: string) =>
		this.api.request<PromptVersion>("POST", `prompts/${at(language)}/${at(id)}/restore`, { version });
	deletePrompt = (language: string, id: string) =>
		this.api.request<void>("DELETE", `prompts/${at(language)}/${at(id)}`);
}
