import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "../src/phone/pace.ts";

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

/** A floor that asks to be drawn every 10 ms, with a picture every 16; drawn is when it was. */
function floor(hidden = false) {
	const pace = new Pace(
		(run) => setTimeout(run, 16),
		() => hidden,
	);
	const drawn: number[] = [];
	const began = performance.now();
	const ask = () => pace.soon(() => drawn.push(performance.now() - began));
	return { pace, drawn, ask };
}

test("what comes alone is in the next picture", () => {
	const { drawn, ask } = floor();
	ask();
	vi.advanceTimersByTime(16);
	expect(drawn).toEqual([16]);
});

test("a busy floor is drawn five times a second", () => {
	const { drawn, ask } = floor();
	ask();
	for (let i = 0; i < 100; i++) {
		const before = drawn.length;
		vi.advanceTimersByTime(10);
		if (drawn.length > before) ask(); // as the document does: once for all that comes
	}
	expect(drawn.length).toBeGreaterThanOrEqual(4);
	expect(drawn.length).toBeLessThanOrEqual(6);
});

test("the picture that answers a key has nothing else to draw", () => {
	const { pace, drawn, ask } = floor();
	pace.touched();
	ask();
	vi.advanceTimersByTime(79);
	expect(drawn).toEqual([]);
	vi.advanceTimersByTime(20);
	expect(drawn).toHaveLength(1);
});

test("a key between the asking and the picture has that picture for itself", () => {
	const { pace, drawn, ask } = floor();
	ask();
	vi.advanceTimersByTime(8);
	pace.touched();
	vi.advanceTimersByTime(79);
	expect(drawn).toEqual([]);
	vi.advanceTimersByTime(20);
	expect(drawn).toHaveLength(1);
});

test("who types all the time sees the floor go on", () => {
	const { pace, drawn, ask } = floor();
	ask();
	vi.advanceTimersByTime(16);
	ask();
	for (let i = 0; i < 30; i++) {
		pace.touched();
		vi.advanceTimersByTime(50);
	}
	expect(drawn).toHaveLength(2);
	expect(drawn[1]).toBeLessThan(1100);
});

test("a page that nobody sees does not wait", () => {
	const { pace, drawn, ask } = floor(true);
	pace.touched();
	ask();
	vi.advanceTimersByTime(16);
	expect(drawn).toHaveLength(1);
});
