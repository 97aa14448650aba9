import type { Api } from "./client.ts";
import type { Schemas } from "./types.ts";

/** The systems that are told what happens in calls, and what they were told. */
export type Webhook = Schemas["CrmStatus"];
export type Delivery = Schemas["CrmDelivery"];

const one = (name: string, what: string) => `webhooks/${encodeURIComponent(name)}/${what}`;

export const webhooks = (api: Api) => api.request<Webhook[]>("GET", "webhooks");
export const deliveries = (api: Api, name: string, state: string) =>
	api.request<Delivery[]>(
		"GET",
		`${one(name, "deliveries")}?${new URLSearchParams(state === "" ? { limit: "50" } : { limit: "50", state })}`,
	);
export const testWebhook = (api: Api, name: string) => api.request<void>("POST", one(name, "test"));
/** Sends again what failed for good: one delivery, or all of them. */
export const sendAgain = (api: Api, name: string, id?: string) =>
	api.request<Schemas["SentAgain"]>("POST", one(name, "again"), id ? { id } : {});
