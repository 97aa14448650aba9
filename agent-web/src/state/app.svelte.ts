import { createContext } from "svelte";
import { Api, ApiError } from "../api/client.ts";
import type { Info, Session } from "../api/types.ts";
import { en } from "../i18n/en.ts";
import { clock, day, grade, longClock, moment, number, timeOfDay, weekday } from "../i18n/format.ts";
import { type Key, localeOf, type Params, translate, translatePlural, translateWord } from "../i18n/translate.ts";
import type { About } from "../parts/said.ts";
import type { Failure } from "../phone/socket.ts";
import type { Label } from "../phone/views.ts";
import { Keys } from "./keys.ts";
import { FOLLOWING, Prefs } from "./prefs.svelte.ts";
import { Roaming } from "./roaming.ts";
import { Router } from "./router.svelte.ts";
import { Seat, storage } from "./seat.svelte.ts";

/** Who is here. */
export type Who =
	| { at: "loading" }
	| { at: "out"; why: "" | "expired" | "down" }
	| { at: "password"; session: Session; old: string }
	| { at: "in"; session: Session; seat: Seat };

export interface Toast {
	id: number;
	tone: "bad" | "ok";
	text: string;
}

/** App joins the parts that every view needs. One is made in main.ts and handed down by context. */
export class App {
	readonly prefs = new Prefs();
	readonly router = new Router();
	readonly keys = new Keys(() => this.prefs.letters);
	readonly api = new Api(() => this.#expired());
	/** What follows the person who is signed in from browser to browser. */
	roaming: Roaming | null = null;
	who = $state.raw<Who>({ at: "loading" });
	info = $state.raw<Info | null>(null);
	toasts = $state.raw<Toast[]>([]);
	/** The server's time, ticking; second is the same in whole seconds, which is how often most of what shows a time need be drawn. */
	now = $state(Date.now());
	second = $state(whole(Date.now()));
	/** The day it is here: what is said of another day need not be looked at again with every tick. */
	readonly #today = $derived(new Date(this.now).toDateString());
	#toastID = 0;
	/** Says the server's sentences in Chinese. It is loaded with that language, since English needs none of it. */
	#inChinese = $state.raw<(text: string, about?: About) => string>((text) => text);

	constructor() {
		this.prefs.follow();
		$effect.root(() => {
			$effect(() => {
				if (this.prefs.language === "zh") void this.#loadChinese();
			});
		});
		setInterval(() => {
			const seat = this.who.at === "in" ? this.who.seat : null;
			this.now = Date.now() + (seat?.phone.socket.clockOffsetMS ?? 0);
			this.second = whole(this.now);
		}, 250);
	}

	/** Looks whether we are signed in; everything comes back by itself. */
	async begin(): Promise<void> {
		const info = this.#loadInfo(); // waited for by all: pages would move when it comes
		try {
			const session = await this.api.session();
			await info;
			this.signedIn(session);
		} catch (error) {
			await info;
			this.who = { at: "out", why: error instanceof ApiError && error.status === 401 ? "" : "down" };
		}
	}

	/** old is the password just used, to change it without asking again. */
	signedIn(session: Session, old = ""): void {
		if (session.must_change_password) {
			this.who = { at: "password", session, old };
			return;
		}
		const seat = new Seat(this.api, session);
		this.#roam(session.user);
		this.who = { at: "in", session, seat };
		seat.phone.state.follow(({ link }) => {
			if (link.at === "over" && link.code === "unauthorized") this.#expired();
		});
		seat.start();
	}

	/** What this person chose in another browser is chosen here too. */
	#roam(user: string): void {
		const roaming = new Roaming({ user, merge: this.api.preferences, storage: storage(), now: () => this.now });
		for (const name of FOLLOWING) {
			roaming.join(name, { value: () => this.prefs[name], take: (value) => this.prefs.take(name, value) });
		}
		this.prefs.chosen = (name) => roaming.changed(name);
		this.roaming = roaming;
		void roaming.sync();
	}

	async signOut(): Promise<void> {
		await this.api.signOut().catch(() => undefined); // gone is gone
		this.#leave("");
		this.router.go("/");
	}

	/** Sends a command and shows why it was refused. */
	async run(done: Promise<Failure | null>): Promise<boolean> {
		const failure = await done;
		if (failure) this.fail(failure.code, failure.message);
		return !failure;
	}

	fail(code: string, message: string): void {
		this.toast("bad", this.reason(code, message));
	}

	reason(code: string, message: string): string {
		const key = `error.${code}`;
		const why = this.said(message, "refused");
		if (!(key in en)) return why;
		const text = translate(this.prefs.language, key as Key, { why });
		return why ? text : text.replace(/[:：] *$/, this.prefs.language === "zh" ? "。" : ".");
	}

	/** What an error of the HTTP API says to a person. */
	why(error: unknown): string {
		return error instanceof ApiError ? this.reason(error.code, error.message) : String(error);
	}

	toast(tone: Toast["tone"], text: string): void {
		const id = ++this.#toastID;
		this.toasts = [...this.toasts.slice(-3), { id, tone, text }];
		setTimeout(() => this.dismiss(id), tone === "bad" ? 8000 : 4000);
	}

	dismiss(id: number): void {
		this.toasts = this.toasts.filter((t) => t.id !== id);
	}

	t = (key: Key, params?: Params) => translate(this.prefs.language, key, params);
	tn = (key: Parameters<typeof translatePlural>[1], n: number, params?: Params) =>
		translatePlural(this.prefs.language, key, n, params);
	/** A word of the server's under a prefix. */
	word = (prefix: string, word: string) => translateWord(this.prefs.language, prefix, word);
	/** A sentence that the server wrote, in the language of the page. */
	said = (text: string, about?: About) => (this.prefs.language === "zh" ? this.#inChinese(text, about) : text);
	/** What people read of something from the configuration: the other language's word, or the ID, where there is none. */
	label = (of: { id: string; label: Label }) =>
		of.label[this.prefs.language] || of.label[this.prefs.language === "zh" ? "en" : "zh"] || of.id;
	moment = (at: string) => moment(localeOf(this.prefs.language), at, this.#today);
	weekday = (at: string) => weekday(localeOf(this.prefs.language), at);
	day = (at: number) => day(localeOf(this.prefs.language), at);
	timeOfDay = (at = this.now) => timeOfDay(localeOf(this.prefs.language), at);
	number = (n: number, decimals = 0) => number(localeOf(this.prefs.language), n, decimals);
	clock = clock;
	longClock = longClock;
	grade = grade;
	/** Seconds since a time of the server's. */
	since = (at: string | null | undefined) => (at ? Math.max(0, (this.second - Date.parse(at)) / 1000) : 0);
	until = (at: string | null | undefined) => (at ? Math.max(0, (Date.parse(at) - this.now) / 1000) : 0);

	async #loadChinese(): Promise<void> {
		const words = await import("../parts/said.ts").catch(() => null); // a newer server has other files: English it is, until the reload
		if (words) this.#inChinese = words.inChinese;
	}

	async #loadInfo(): Promise<void> {
		this.info = await this.api.info().catch(() => null);
	}

	#expired(): void {
		if (this.who.at === "in" || this.who.at === "password") this.#leave("expired");
	}

	#leave(why: "" | "expired"): void {
		const before = this.who;
		this.who = { at: "out", why };
		this.roaming?.stop();
		this.roaming = null;
		this.prefs.chosen = () => undefined;
		if (before.at === "in") before.seat.stop();
		if (!this.info) void this.#loadInfo();
	}
}

const whole = (ms: number) => Math.floor(ms / 1000) * 1000;

export const [getApp, setApp] = createContext<App>();
export const [getSeat, setSeat] = createContext<{ seat: Seat; session: Session }>();
