import type { Kind } from "../flow/kinds.ts";
import type { Api } from "./client.ts";
import type { Schemas } from "./types.ts";

export type FlowSummary = Schemas["FlowSummary"];
export type FlowProblem = Schemas["FlowProblem"];
export type FlowDetail = Schemas["FlowDetail"];
export type FlowCheck = Schemas["FlowCheck"];
export type FlowVersion = Schemas["FlowVersion"];
export type FlowCallers = Schemas["FlowCallers"];
export type FlowOutcome = Schemas["FlowOutcome"];
export type Trial = Schemas["IvrTrial"];
export type TrialEvent = Schemas["IvrTrialEvent"];
export type PromptVersion = Schemas["PromptVersion"];
export type PromptSummary = Schemas["PromptSummary"];

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
