import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HeadsetCheck } from "../src/phone/check.ts";
import type { Suppress } from "../src/phone/suppress.ts";
import { Cell } from "../src/phone/value.ts";
import { FakeTrack } from "./fakes.ts";

const load = vi.hoisted(() => vi.fn());
vi.mock("@sapphi-red/web-noise-suppressor", () => ({ loadRnnoise: load, RnnoiseWorkletNode: class {} }));

beforeEach(() => {
	vi.useFakeTimers();
	vi.spyOn(console, "warn").mockImplementation(() => undefined);
	const node = { connect: () => undefined, disconnect: () => undefined };
	vi.stubGlobal("MediaStream", class {});
	vi.stubGlobal(
		"AnalyserNode",
		class {
			connect = node.connect;
			getFloatTimeDomainData = () => undefined;
		},
	);
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
	vi.restoreAllMocks();
});

test("a device that another program takes in the middle of a check leaves no microphone open", async () => {
	const tap = new FakeTrack("tap");
	const probes = [new FakeTrack("probe")];
	const mic = {
		track: new Cell(new FakeTrack()),
		state: new Cell({ at: "ok", label: "Headset" }),
		tap: () => tap,
		probe: async () => probes.shift() ?? Promise.reject(new DOMException("in use", "NotReadableError")),
	};
	const audio = {
		state: "running",
		sampleRate: 48_000,
		createMediaStreamSource: () => ({ connect: () => undefined, disconnect: () => undefined }),
	};
	const check = new HeadsetCheck({ mic, audio, suppression: () => "off" } as unknown as ConstructorParameters<
		typeof HeadsetCheck
	>[0]);
	const done = check.start();
	await vi.advanceTimersByTimeAsync(10_000);
	expect(await done).toBeNull();
	expect(check.state.now).toEqual({ at: "failed", why: "microphone" });
	expect(tap.state).toBe("ended");
});

test("noise suppression that could not be loaded is loaded again the next time", async () => {
	const { rnnoise } = await import("../src/phone/suppress.ts");
	load.mockRejectedValueOnce(new Error("the server starts anew")).mockResolvedValue(new ArrayBuffer(8));
	const context = {
		state: "running",
		sampleRate: 48_000,
		audioWorklet: { addModule: async () => undefined },
		createMediaStreamSource: () => {
			throw new Error("it is there");
		},
	};
	const quieten: Suppress = rnnoise(context as unknown as AudioContext);
	const track = new FakeTrack() as unknown as MediaStreamTrack;
	await expect(quieten(track)).rejects.toThrow("starts anew");
	await expect(quieten(track)).rejects.toThrow("it is there");
});
