import { describe, expect, it } from "vitest";
import type { Phrase } from "../src/api/customer.ts";
import { expand } from "../src/state/handbook.svelte.ts";

const phrase = (shortcut: string, text: string, language = "en", shared = true): Phrase => ({
	id: text,
	shared,
	shortcut,
	language,
	text,
});
const phrases = [
	phrase("hi", "Good morning"),
	phrase("hi", "早上好", "zh"),
	phrase("hi", "Hello!", "en", false),
	phrase("退", "请退货", "zh"),
];

describe("a shortcut in the note", () => {
	it("becomes its phrase with the space after it, one's own first, in the page's language", () => {
		expect(expand("/hi ", 4, phrases, "en")).toEqual({ note: "Hello! ", at: 7 });
		expect(expand("/hi ", 4, phrases, "zh")?.note).toBe("早上好 ");
		expect(expand("He said /退 ", 11, phrases, "en")?.note).toBe("He said 请退货 ");
	});
	it("leaves what is behind the cursor where it is", () => {
		expect(expand("a /hi b", 6, phrases, "en")).toEqual({ note: "a Hello! b", at: 9 });
	});
	it("is none without the space, within a word, or where no phrase has it", () => {
		for (const [note, at] of [
			["/hi", 3],
			["1/hi ", 5],
			["/ho ", 4],
			["hi ", 3],
			["", 0],
		] as const)
			expect(expand(note, at, phrases, "en")).toBeNull();
	});
});
