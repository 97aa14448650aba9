import { expect, test } from "vitest";
import { type Key, type Params, translate, translateWord } from "../src/i18n/translate.ts";
import { endWords } from "../src/parts/endwords.ts";

const said = (language: "en" | "zh", why: string) =>
	endWords(
		{
			t: (key: Key, params?: Params) => translate(language, key, params),
			word: (prefix, word) => translateWord(language, prefix, word),
		},
		why,
	);

test.each([
	["the caller gave up", "来电者放弃等待"],
	["sam tore the call down", "sam 强制结束了通话"],
	["no audio came from the phone for 30s", "话机 30s 没有传来声音"],
	["the flow ended the call at bye", "流程在 bye 结束了通话"],
	["hung up: User busy", "挂断: User busy"],
	["the phone is gone: a new offer was not answered", "话机失联：新的媒体协商无回应"],
	["something of a later version: because", "something of a later version: because"],
	["", ""],
])("%s", (why, zh) => {
	expect(said("zh", why)).toBe(zh);
	expect(said("en", why)).toBe(why);
});
