import { timelineZh } from "../i18n/zh.timeline.ts";
import type { App } from "../state/app.svelte.ts";
import { endWords } from "./endwords.ts";
import { reasonWords } from "./reason.ts";
import { sentences } from "./shapes.ts";

/** What has words: App, or a test's. */
type Sayer = Pick<App, "t" | "word"> & { prefs: Pick<App["prefs"], "language"> };

const chinese = sentences(timelineZh);

/** A line of a timeline in the language of the page; one that is new to us as it came. */
export function said(app: Sayer, text: string): string {
	if (app.prefs.language === "en") return text;
	const found = chinese(text, (part) => said(app, part));
	if (found !== undefined) return found;
	const ended = endWords(app, text);
	return ended === text ? reasonWords(app, text) : ended;
}

/** Whose leg of a call it is: "agent-2" is the second agent's. */
export function party(app: Pick<App, "word">, leg: string): string {
	const [, whose = leg, n] = /^(.+)-(\d+)$/.exec(leg) ?? [];
	return n ? `${app.word("party", whose)} ${n}` : app.word("party", leg);
}
