import { en, type Key } from "./en.ts";
import { zh } from "./zh.ts";

export type { Key };
export type Language = "en" | "zh";
export type Params = Record<string, string | number>;

/** Keys that come in a .one and an .other. */
type PluralKey = { [K in Key]: K extends `${infer Stem}.one` ? Stem : never }[Key];

const catalogues: Record<Language, Record<Key, string>> = { en, zh };
const locales: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };

export function localeOf(language: Language): string {
	return locales[language];
}

export function translate(language: Language, key: Key, params: Params = {}): string {
	return fill(catalogues[language][key], params);
}

/** Chooses .one or .other by n. */
export function translatePlural(language: Language, key: PluralKey, n: number, params: Params = {}): string {
	const form = new Intl.PluralRules(locales[language]).select(n) === "one" ? "one" : "other";
	return fill(catalogues[language][`${key}.${form}`], { n, ...params });
}

/** A string for a word that the server may extend: the word itself when we have none for it. */
export function translateWord(language: Language, prefix: string, word: string): string {
	const key = `${prefix}.${word}`;
	return key in en ? catalogues[language][key as Key] : word;
}

function fill(text: string, params: Params): string {
	return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
}

/** The language of a browser that says it speaks these. */
export function chooseLanguage(wanted: readonly string[]): Language {
	for (const w of wanted) {
		if (w.toLowerCase().startsWith("zh")) return "zh";
		if (w.toLowerCase().startsWith("en")) return "en";
	}
	return "en";
}
