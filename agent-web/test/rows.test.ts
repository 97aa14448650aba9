import { expect, test } from "vitest";
import { moved, type Part, partsOf, scrollTo } from "../src/parts/rows.ts";

const rows = (parts: Part[]) => parts.flatMap((p) => (p.kind === "row" ? [p.index] : []));
const high = (parts: Part[]) => parts.reduce((n, p) => n + (p.kind === "row" ? 1 : p.rows), 0);

test("a short list is whole", () => {
	expect(rows(partsOf(3, 0, 320, 32))).toEqual([0, 1, 2]);
	expect(partsOf(0, 0, 320, 32)).toEqual([]);
});

test("wherever it is scrolled to, what is seen is there, the height is that of all rows, and each is there once", () => {
	for (const total of [1, 30, 500]) {
		for (let top = -50; top < total * 32 + 400; top += 77) {
			for (const held of [-1, 0, 17, total - 1, total]) {
				const parts = partsOf(total, top, 320, 32, held);
				const there = rows(parts);
				expect(high(parts)).toBe(total);
				expect(new Set(there).size).toBe(there.length);
				expect([...there].sort((a, b) => a - b)).toEqual(there);
				expect(there.length).toBeLessThan(30);
				for (let i = Math.floor(Math.max(0, top) / 32); i < Math.min(total, (top + 320) / 32); i++)
					expect(there).toContain(i);
				if (held >= 0 && held < total) expect(there).toContain(held);
				const ids = parts.flatMap((p) => (p.kind === "gap" ? [p.id] : []));
				expect(new Set(ids).size).toBe(ids.length);
			}
		}
	}
});

test("keys move by a row, by a box, to the ends, and stay in the list", () => {
	expect(moved("ArrowDown", 4, 500, 10)).toBe(5);
	expect(moved("ArrowUp", 0, 500, 10)).toBe(0);
	expect(moved("PageDown", 495, 500, 10)).toBe(499);
	expect(moved("PageUp", 15, 500, 10)).toBe(5);
	expect(moved("Home", 15, 500, 10)).toBe(0);
	expect(moved("End", 15, 500, 10)).toBe(499);
	expect(moved("x", 15, 500, 10)).toBeNull();
});

test("a row is scrolled to only as far as needed, and not under the head", () => {
	expect(scrollTo(10, 0, 352, 32, 32)).toBe(32);
	expect(scrollTo(5, 0, 352, 32, 32)).toBe(0);
	expect(scrollTo(2, 640, 352, 32, 32)).toBe(64);
});
