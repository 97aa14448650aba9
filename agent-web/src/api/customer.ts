// What the API says of customers, articles and phrases (api/customer_routes.go, api/knowledge_routes.go).
import type { Tags } from "../phone/protocol.ts";

export interface Person {
	name: string;
	language: string;
	vip: boolean;
	note: string;
	changed: string | null;
	changed_by: string;
}

export interface EarlierCall {
	id: string;
	started: string;
	line: string;
	queue: string | null;
	agent: string | null;
	talked: number | null;
	disposition: string | null;
	note: string | null;
	tags: Tags;
	csat: number | null;
}

export interface OpenTask {
	id: string;
	kind: string;
	agent: string;
	note: string;
	due: string | null;
}

export interface Customer {
	number: string;
	person: Person;
	attributes: { name: string; value: string }[];
	attributes_error: string;
	calls: EarlierCall[];
	open: OpenTask[];
}

export interface Found {
	id: string;
	language: string;
	title: string;
	excerpt: string;
	stale: boolean;
	favourite: boolean;
}

export interface ArticleText {
	version: number;
	language: string;
	title: string;
	keywords?: string;
	text: string;
	review?: string;
}

export interface Article extends Required<Omit<ArticleText, "review">> {
	id: string;
	review: string | null;
	stale: boolean;
	changed: string;
	changed_by: string;
	favourite: boolean;
}

export interface Phrase {
	id: string;
	shared: boolean;
	shortcut: string;
	language: string;
	text: string;
}
