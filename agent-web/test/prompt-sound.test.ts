import { expect, test } from "vitest";
import { measure, mono, outline, wav } from "../src/prompts/sound.ts";

const RATE = 8000;
const tone = (level: number, seconds: number) =>
	Float32Array.from({ length: RATE * seconds }, (_, i) => level * Math.sin((2 * Math.PI * 440 * i) / RATE));

test.each([
	["well", tone(0.3, 2), "fine"],
	["nothing", tone(0, 2), "quiet"],
	["far too soft", tone(0.002, 2), "quiet"],
	["a click", tone(0.3, 0.1), "short"],
	["a speech", tone(0.3, 121), "long"],
	["too loud", tone(3, 2).map((x) => Math.max(-1, Math.min(1, x))), "clipped"],
])("%s is told", (_, samples, verdict) => {
	expect(measure(samples, RATE).verdict).toBe(verdict);
});

test("levels are those of the sound", () => {
	const m = measure(tone(0.5, 1), RATE);
	expect(m.peak).toBeCloseTo(-6.02, 1);
	expect(m.level).toBeCloseTo(-9.03, 1);
	expect(m.seconds).toBe(1);
	expect(
		measure(
			tone(3, 2).map((x) => Math.max(-1, Math.min(1, x))),
			RATE,
		).clippedAt,
	).toBeLessThan(1);
});

test("a WAV file says what it is", async () => {
	const bytes = new DataView(await wav(Float32Array.of(0, 0.5, -1, 2), 48_000).arrayBuffer());
	expect(bytes.byteLength).toBe(52);
	expect([bytes.getUint32(24, true), bytes.getUint16(34, true), bytes.getUint32(40, true)]).toEqual([48_000, 16, 8]);
	expect([44, 46, 48, 50].map((at) => bytes.getInt16(at, true))).toEqual([0, 16384, -32767, 32767]);
});

test("an outline and one channel of two", () => {
	expect(outline(Float32Array.of(0, -0.5, 0.25, 0.1), 2)).toEqual([0.5, 0.25]);
	const both = { numberOfChannels: 2, length: 2, getChannelData: (i: number) => Float32Array.of(i, 0.5) };
	expect([...mono(both)]).toEqual([0.5, 0.5]);
});
