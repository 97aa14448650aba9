import { expect, test } from "vitest";
import { lines } from "../src/parts/told.ts";

test("a bot's words are lines, the known ones first", () => {
	const got = lines(
		{
			size: "XL",
			vip: true,
			summary: "Wants XL.",
			slots: { order: "0018", extras: ["a", 2, null], gift: false },
			empty: "",
			none: null,
			tries: 2,
		},
		"yes",
		"no",
	);
	expect(got).toEqual([
		{ known: "summary", name: "summary", value: "Wants XL." },
		{ known: "tries", name: "tries", value: "2" },
		{ known: "slots", name: "slots", value: "order: 0018 · extras: a, 2 · gift: no" },
		{ known: "", name: "size", value: "XL" },
		{ known: "", name: "vip", value: "yes" },
	]);
});
