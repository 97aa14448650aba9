// @ts-expect-error The project is a page's and has no types of Node.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Mask, soft } from "../src/phone/mask.ts";
import { segmenter } from "../src/phone/segment.ts";

describe("who is in the picture", () => {
	const pack = new URL("../node_modules/@twilio/video-processors/dist/build/", import.meta.url);
	const load = async () => {
		const wasm = await readFile(new URL("tflite-simd-1-0-0.wasm", pack));
		const model = await readFile(new URL("selfie_segmentation_landscape.tflite", pack));
		return segmenter(wasm, new Uint8Array(model).buffer);
	};
	const within = (x: number, y: number, cx: number, cy: number, rx: number, ry: number) =>
		((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
	/** Somebody drawn in front of a wall of tiles. */
	const colour = (x: number, y: number): [number, number, number] => {
		if (within(x, y, 118, 54, 4, 2.5) || within(x, y, 138, 54, 4, 2.5)) return [40, 30, 30];
		if (within(x, y, 128, 76, 9, 3)) return [170, 70, 70];
		if (within(x, y, 128, 60, 25, 32)) return [224, 172, 145];
		if (within(x, y, 128, 50, 31, 36)) return [60, 40, 25];
		if (x > 114 && x < 142 && y > 80 && y < 112) return [200, 150, 125];
		if (within(x, y, 128, 165, 70, 62)) return [40, 50, 110];
		return ((x >> 3) + (y >> 3)) % 2 ? [90, 140, 90] : [150, 190, 160];
	};
	test("is found by the model that is shipped", async () => {
		const { width, height, run } = await load();
		const pixels = new Uint8ClampedArray(width * height * 4);
		for (let y = 0; y < height; y++)
			for (let x = 0; x < width; x++) pixels.set([...colour(x, y), 255], 4 * (y * width + x));
		const found = run(pixels);
		const at = (x: number, y: number) => found[y * width + x] ?? -1;
		for (const [x, y] of [
			[128, 60],
			[128, 130],
			[110, 40],
		] as const)
			expect(at(x, y)).toBeGreaterThan(0.8);
		for (const [x, y] of [
			[10, 10],
			[30, 90],
			[230, 40],
		] as const)
			expect(at(x, y)).toBeLessThan(0.1);
	});
	test("is looked for less often on a slow machine", () => {
		const every = (ms: number) => {
			const mask = new Mask(1, 1);
			let looked = 0;
			for (let frame = 0; frame < 60; frame++) {
				if (!mask.due()) continue;
				looked++;
				mask.take(new Float32Array([1]), ms, new Uint8ClampedArray(4));
			}
			return looked;
		};
		expect(every(5)).toBe(60);
		expect(every(25)).toBe(30);
		expect(every(1000)).toBe(10);
	});
	test("has a soft edge that does not flicker", () => {
		expect([0, 0.3, 1].map(soft)).toEqual([0, 0, 1]);
		expect(soft(0.5)).toBeGreaterThan(0.1);
		const mask = new Mask(1, 1);
		const pixels = new Uint8ClampedArray(4);
		mask.take(new Float32Array([1]), 5, pixels);
		expect(pixels[3]).toBe(255);
		mask.take(new Float32Array([0]), 5, pixels);
		expect(pixels[3]).toBeLessThan(30);
		mask.take(new Float32Array([0]), 5, pixels);
		expect(pixels[3]).toBe(0);
	});
});
