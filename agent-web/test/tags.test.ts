import { expect, test } from "vitest";
import { tagged, tagLine } from "../src/parts/tags.ts";
import type { TagGroup } from "../src/phone/views.ts";

const named = (id: string) => ({ id, label: { en: id.toUpperCase(), zh: "" } });
const groups: TagGroup[] = [
	{ ...named("topic"), required: true, many: true, tags: [named("order"), named("bill")] },
	{ ...named("mood"), required: false, many: false, tags: [named("calm")] },
];
const label = (of: { label: { en: string } }) => of.label.en;

test("a call's tags in words, in the order of the groups, what is gone last and by its ID", () => {
	const tags = { old: ["x"], mood: ["calm"], topic: ["bill", "lost"] };
	expect(tagLine(groups, tags, label)).toBe("TOPIC: BILL, lost · MOOD: CALM · old: x");
	expect(tagged(groups, { topic: [] }, label)).toEqual([]);
	expect(tagged(groups, undefined, label)).toEqual([]);
});
