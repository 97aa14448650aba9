import type { Api } from "./client.ts";
import type { Schemas } from "./types.ts";

/** What agents promise customers; times in seconds. */
export type Promised = Schemas["Promise"];
/** What would come of more agents; see /api/v1/staffing/whatif. */
export type WhatIf = Schemas["WhatIfResult"];
export type PlanInterval = Schemas["PlanInterval"];
export type Plan = Schemas["Plan"];

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
