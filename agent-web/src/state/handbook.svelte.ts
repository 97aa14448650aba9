import type { Api } from "../api/client.ts";
import type { Article, ArticleText, Customer, Found, Person, Phrase } from "../api/customer.ts";

const encode = encodeURIComponent;

/** Handbook is what an agent looks up beside a call: who is on the phone, articles and phrases. */
export class Handbook {
	phrases = $state.raw<Phrase[]>([]);

	constructor(
		private readonly api: Api,
		private readonly language: () => string,
	) {}

	customer = (contact: string) => this.api.request<Customer>("GET", `contacts/${encode(contact)}/customer`);
	savePerson = (contact: string, p: Pick<Person, "name" | "language" | "vip" | "note">) =>
		this.api.request<Person>("PUT", `contacts/${encode(contact)}/customer`, p);
	/** The whole number; the audit log tells that it was looked at. */
	reveal = (contact: string) =>
		this.api.request<{ number: string }>("POST", `contacts/${encode(contact)}/customer/reveal`, {});

	search = (q: string) => this.api.request<Found[]>("GET", `articles?${new URLSearchParams({ q })}`);
	article = (id: string) => this.api.request<Article>("GET", `articles/${encode(id)}`);
	saveArticle = (id: string, text: ArticleText) =>
		this.api.request<Article>(id === "" ? "POST" : "PUT", id === "" ? "articles" : `articles/${encode(id)}`, text);
	removeArticle = (id: string) => this.api.request<void>("DELETE", `articles/${encode(id)}`);
	like = (id: string, on: boolean) =>
		this.api.request<void>(on ? "PUT" : "DELETE", `articles/${encode(id)}/favourite`, on ? {} : undefined);

	async loadPhrases(): Promise<void> {
		this.phrases = await this.api.request<Phrase[]>("GET", "phrases").catch(() => this.phrases);
	}
	async savePhrase(p: Omit<Phrase, "id">): Promise<void> {
		await this.api.request<Phrase>("PUT", "phrases", p);
		await this.loadPhrases();
	}
	async removePhrase(id: string): Promise<void> {
		await this.api.request<void>("DELETE", `phrases/${encode(id)}`);
		await this.loadPhrases();
	}

	/** The note with the phrase in the place of the shortcut that was just typed before at, and where the cursor goes; null if there is none. */
	expand(note: string, at: number): { note: string; at: number } | null {
		return expand(note, at, this.phrases, this.language());
	}
}

/** A shortcut is /word and a space: the phrase of the language goes before others, one's own before everybody's. */
export function expand(
	note: string,
	at: number,
	phrases: readonly Phrase[],
	language: string,
): { note: string; at: number } | null {
	const typed = /(^|\s)\/(\S+)\s$/.exec(note.slice(0, at));
	if (!typed) return null;
	const rank = (p: Phrase) => (p.language === language ? 0 : 2) + (p.shared ? 1 : 0);
	const [phrase] = phrases.filter((p) => p.shortcut === typed[2]).toSorted((a, b) => rank(a) - rank(b));
	if (!phrase) return null;
	const before = note.slice(0, typed.index) + typed[1] + phrase.text;
	return { note: `${before} ${note.slice(at)}`, at: before.length + 1 };
}
