import { expect, test } from "vitest";
import { Playback } from "../src/phone/playback.ts";
import { settled } from "./fakes.ts";

class FakeContext extends EventTarget {
	state = "suspended";
	/** Whether the system lets it run. */
	free = true;
	async resume() {
		if (this.free) this.turn("running");
	}
	turn(state: string) {
		this.state = state;
		this.dispatchEvent(new Event("statechange"));
	}
}
const element = () =>
	({ srcObject: null, volume: 1, play: async () => undefined }) as unknown as HTMLAudioElement & {
		srcObject: MediaStream;
	};

test("an element that plays unlocks; one that plays while the system has the sound does not", async () => {
	const context = new FakeContext();
	const playback = new Playback(context as unknown as AudioContext);
	playback.element("customer", element());
	playback.stream("customer", {} as MediaStream);
	await settled();
	expect(playback.state.now).toBe("unlocked");

	context.turn("running");
	context.free = false;
	context.turn("interrupted");
	expect(playback.state.now).toBe("locked");
	playback.unlock();
	await settled();
	expect(playback.state.now).toBe("locked");

	context.free = true;
	playback.unlock();
	await settled();
	expect(playback.state.now).toBe("unlocked");
});
