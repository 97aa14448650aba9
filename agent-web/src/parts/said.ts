import { type Key, type Params, translate, translateWord } from "../i18n/translate.ts";
import { refusalsZh } from "../i18n/zh.refusals.ts";
import { flowZh, timelineZh } from "../i18n/zh.timeline.ts";
import { endWords } from "./endwords.ts";
import { reasonWords } from "./reason.ts";
import { sentences } from "./shapes.ts";

// The server writes whole sentences, in English: they are in exports and in rows of years ago. Here one is found again by its
// shape. Pages in Chinese alone load this.

const call = sentences(timelineZh);
const flow = sentences(flowZh);
const refused = sentences(refusalsZh);

/** What a sentence is about: its own table comes first. */
export type About = "call" | "flow" | "refused";
const order = { call: [call, refused, flow], flow: [flow, call, refused], refused: [refused, call, flow] };

const page = {
	t: (key: Key, params?: Params) => translate("zh", key, params),
	word: (prefix: string, word: string) => translateWord("zh", prefix, word),
};

/** A sentence of the server's in Chinese; one that is new to us as it came. */
export function inChinese(text: string, about: About = "call"): string {
	for (const find of order[about]) {
		const found = find(text, (part) => inChinese(part, about === "flow" ? "call" : about));
		if (found !== undefined) return found;
	}
	const ended = endWords(page, text);
	if (ended !== text) return ended;
	const state = page.word("state", text);
	return state === text ? reasonWords(page, text) : state;
}
