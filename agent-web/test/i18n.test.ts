import { parse } from "svelte/compiler";
import { expect, test } from "vitest";
import { en, type Key } from "../src/i18n/en.ts";
import { clock, grade, longClock, moment, weekday } from "../src/i18n/format.ts";
import { chooseLanguage, translate, translatePlural, translateWord } from "../src/i18n/translate.ts";
import { zh } from "../src/i18n/zh.ts";

const keys = Object.keys(en) as Key[];
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

test.each(keys)("%s is there in both languages with the same holes", (key) => {
	expect(zh[key]?.trim()).toBeTruthy();
	expect(holes(zh[key])).toEqual(holes(en[key]));
});

test("nothing is left over in the other language", () => {
	expect(Object.keys(zh).filter((key) => !(key in en))).toEqual([]);
});

test("plurals come in pairs", () => {
	const stems = (form: string) => keys.filter((k) => k.endsWith(form)).map((k) => k.slice(0, -form.length));
	expect(stems(".one").filter((s) => !keys.includes(`${s}.other` as Key))).toEqual([]);
});

const sources = import.meta.glob("../src/**/*.{svelte,ts}", {
	eager: true,
	query: "?raw",
	import: "default",
}) as Record<string, string>;

test("every key is used, and every used key is there", () => {
	const all = Object.entries(sources)
		.filter(([path]) => !path.includes("/i18n/"))
		.map(([, source]) => source)
		.join("\n");
	const literal = new Set([...all.matchAll(/["'`]([a-z_0-9]+(?:\.[a-z_0-9]+)*)["'`]/g)].map((m) => m[1]));
	const prefixes = [...all.matchAll(/`([a-z_0-9.]+)\.\$\{/g)].map((m) => `${m[1]}.`);
	const words = [...all.matchAll(/\.word\("([a-z_]+)"/g)].map((m) => `${m[1]}.`);
	const plural = (key: string) => literal.has(key.replace(/\.(one|other)$/, ""));
	const unused = keys.filter(
		(key) => !literal.has(key) && !plural(key) && ![...prefixes, ...words].some((p) => key.startsWith(p)),
	);
	expect(unused).toEqual([]);
});

/** Words that are the same in every language. */
const SAME = /^(Callfloor|Esc|[\s\d·–—↑↓●✓✗⚠×/()+:#*,.-]*)$/;

test.each(Object.entries(sources).filter(([path]) => path.endsWith(".svelte")))(
	"%s has no text of its own",
	(_, source) => {
		const found: string[] = [];
		const walk = (node: unknown): void => {
			if (Array.isArray(node)) return node.forEach(walk);
			if (typeof node !== "object" || node === null) return;
			const { type, data, name, value } = node as { type?: string; data?: string; name?: string; value?: unknown };
			if (type === "Text" && typeof data === "string" && !SAME.test(data.trim())) found.push(data.trim());
			if (type === "Attribute") {
				if (["aria-label", "title", "placeholder", "alt", "label"].includes(name ?? "")) walk(value);
				return;
			}
			for (const [key, child] of Object.entries(node)) if (key !== "instance" && key !== "module") walk(child);
		};
		walk(parse(source, { modern: true }).fragment);
		expect(found.filter((text) => !["0–9", "?"].includes(text))).toEqual([]);
	},
);

test("filling, plurals and unknown words", () => {
	expect(translate("en", "call.line", { line: 1000 })).toBe("line 1000");
	expect(translate("zh", "call.line", { line: 1000 })).toBe("线路 1000");
	expect(translatePlural("en", "today.calls", 1)).toBe("today 1 call");
	expect(translatePlural("en", "today.calls", 2)).toBe("today 2 calls");
	expect(translatePlural("zh", "today.calls", 2)).toBe("今日 2 通");
	expect(translateWord("en", "kind", "something_new")).toBe("something_new");
});

test("the language of the browser", () => {
	expect(chooseLanguage(["zh-Hans-CN", "en"])).toBe("zh");
	expect(chooseLanguage(["fr-FR", "en-US"])).toBe("en");
	expect(chooseLanguage(["fr-FR"])).toBe("en");
});

test("times and grades", () => {
	expect([clock(-3), clock(0), clock(75.9), clock(3675)]).toEqual(["0:00", "0:00", "1:15", "1:01:15"]);
	expect(longClock(760)).toBe("00:12:40");
	expect([grade(4.2), grade(3.5), grade(2), grade(null)]).toEqual(["good", "fair", "poor", "none"]);
	const today = new Date(2026, 10, 23, 12).toDateString();
	const said = (locale: string, ...at: [number, number, number, number]) =>
		moment(locale, new Date(...at).toISOString(), today);
	expect(said("en-GB", 2026, 10, 23, 9)).toBe("09:00:00");
	expect(said("en-GB", 2026, 10, 20, 12)).toBe("20/11, 12:00:00");
	// The year that is meant is said, and midnight is no 24 o'clock.
	expect(said("en-GB", 2025, 10, 20, 12)).toContain("2025");
	expect(said("zh-CN", 2026, 10, 23, 0)).toBe("00:00:00");
	expect(weekday("zh-CN", new Date(2026, 10, 23).toISOString())).toContain("周一");
});
