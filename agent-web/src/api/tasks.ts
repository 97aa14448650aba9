import type { Api } from "./client.ts";

/** What agents promise customers; times in seconds. */
export interface Promised {
	name: string;
	within: number;
	remind: number;
}

/** What would come of more agents; see /api/v1/staffing/whatif. */
export interface WhatIf {
	more: number;
	agents: number;
	contacts: number;
	service_level: number;
	abandon_rate: number;
	wait_mean: number;
	wait_p90: number;
	occupancy: number;
	per_hour: number;
	handle: number;
	patience: number;
}

export interface PlanInterval {
	start: string;
	length: number;
	contacts: number;
	answered: number;
	abandoned: number;
	in_time: number;
	wait_mean: number;
	talk_mean: number;
	agents: number;
	agents_c: number;
	service_level: number;
	occupancy: number;
	abandon_rate: number;
}

export interface Plan {
	calls: number;
	level: number;
	target: number;
	talk: number;
	wrap_up: number;
	patience: number;
	intervals: PlanInterval[] | null;
}

const one = (id: string, what: string) => `tasks/${encodeURIComponent(id)}/${what}`;

export const promises = (api: Api) => api.request<Promised[]>("GET", "promises");
export const addTask = (api: Api, task: { promise?: string; note?: string; due?: string; call?: string }) =>
	api.request<unknown>("POST", "tasks", task);
export const closeTask = (api: Api, id: string, note: string) =>
	api.request<unknown>("POST", one(id, "close"), { note });
export const callTask = (api: Api, id: string) => api.request<unknown>("POST", one(id, "call"));
/** Where a voicemail is; each play-back is in the audit log. */
export const voicemailURL = (id: string) => `/api/v1/${one(id, "audio")}`;

export const whatIf = (api: Api, queue: string, more: number) =>
	api.request<WhatIf[]>("GET", `staffing/whatif?${new URLSearchParams({ queue, more: String(more) })}`);
export const plan = (api: Api, what: "plan" | "forecast", queue: string, interval: number, level: number) =>
	api.request<Plan>(
		"GET",
		`staffing/${what}?${new URLSearchParams({ queue, interval: String(interval), level: String(level) })}`,
	);
