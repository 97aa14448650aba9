import type { Button, Light, Place, Quirk } from "./hid.ts";

/** What the call is like, as the headset should show it. */
export interface Showing {
	call: "none" | "ringing" | "talking" | "hold";
	muted: boolean;
}

/** What a button asks for. The headset's own state does not count: the server is the truth. */
export type Act = "answer" | "decline" | "end" | "mute" | "hold" | "volume_up" | "volume_down";

/** Within this a change of the hook may be the headset's answer to our light. */
const ECHO_MS = 1500;
/** A hook that goes and comes back within this was a press of a button and not a state. */
const PRESS_MS = 500;

/**
 * Buttons turns what a headset reports into acts and says which lights belong
 * to a call. It has no device: reports and the time come in, acts and lights go
 * out.
 *
 * A hook switch comes in three kinds. Absolute, the usual one: 1 is off the
 * hook, and the headset also follows our light, so that a change that agrees
 * with what we show is only its answer. Relative: each press is a 1. And
 * absolute by the descriptor, but a push button in fact: 1 and at once 0.
 */
export class Buttons {
	#showing: Showing = { call: "none", muted: false };
	/** Answered by the headset, and the server has not said so yet. */
	#answering: number | null = null;
	#down = new Map<Button, boolean>();
	#pressed = new Map<Button, number>();
	#hookUp: { at: number; meant: "answer" | "agrees" | "press" } | null = null;
	#litAt = -Infinity;

	constructor(
		private readonly quirk: Quirk,
		private readonly act: (act: Act) => void,
	) {}

	/** The call is like this now. */
	show(showing: Showing, now: number): void {
		const before = this.#offHook();
		this.#showing = showing;
		if (showing.call !== "ringing") this.#answering = null;
		if (this.#offHook() !== before) this.#litAt = now;
	}

	/** The lights that belong to it. The hook stays up on hold: some headsets end a call whose hook light goes out. */
	lights(): Set<Light> {
		const { call, muted } = this.#showing;
		const on = new Set<Light>();
		if (call === "ringing" && this.#answering === null) on.add("ring");
		if (this.#offHook()) on.add("off_hook");
		if (muted && this.#inCall()) on.add("mute");
		if (call === "hold") on.add("hold");
		return on;
	}

	/** Takes what one report says; true if the lights must be sent again, changed or to bring the headset back in step. */
	report(found: ReadonlyMap<Button, { down: boolean; kind: Place["kind"] }>, now: number): boolean {
		let again = false;
		for (const [button, { down, kind }] of found) {
			const before = this.#down.get(button) ?? false;
			this.#down.set(button, kind === "relative" ? false : down);
			if (kind === "absolute" && down === before) continue;
			if (button === "hook" && kind === "absolute") again = this.#hook(down, now) || again;
			else if (down) again = this.#press(button, now) || again;
		}
		return again;
	}

	/** The answer was refused, or did not come: the headset is told the truth again. */
	unanswered(): void {
		this.#answering = null;
	}

	#inCall(): boolean {
		return this.#showing.call === "talking" || this.#showing.call === "hold";
	}

	#offHook(): boolean {
		return this.#inCall() || this.#answering !== null;
	}

	#hook(up: boolean, now: number): boolean {
		if (up) {
			let meant: "answer" | "agrees" | "press" = "press";
			if (this.#showing.call === "ringing" && this.#answering === null) meant = "answer";
			else if (this.#offHook() && now - this.#litAt <= ECHO_MS) meant = "agrees";
			this.#hookUp = { at: now, meant };
			if (meant === "answer") this.#answer(now);
			return true; // confirmed by the light, or put back
		}
		const was = this.#hookUp;
		this.#hookUp = null;
		if (this.#answering !== null && now - this.#answering <= Math.max(PRESS_MS, this.quirk.takesBack)) return true;
		if (!this.#inCall()) return true;
		// Quick up and down: a push button, which was pressed to answer or is pressed to end.
		if (was && now - was.at <= PRESS_MS && was.meant !== "press") return true;
		return this.#press("drop", now);
	}

	#press(button: Button, now: number): boolean {
		const last = this.#pressed.get(button) ?? -Infinity;
		this.#pressed.set(button, now);
		if (now - last < this.quirk.apart) return false;
		const ringing = this.#showing.call === "ringing" && this.#answering === null;
		switch (button) {
			case "hook":
				if (ringing) this.#answer(now);
				else if (this.#inCall()) this.act("end");
				return true;
			case "drop":
				if (ringing) this.act("decline");
				else if (this.#inCall()) this.act("end");
				return true;
			case "mute":
				if (this.#inCall()) this.act("mute");
				return true;
			case "hold":
				if (this.#inCall()) this.act("hold");
				return true;
			default:
				this.act(button);
				return false;
		}
	}

	#answer(now: number): void {
		this.#answering = now;
		this.#litAt = now;
		this.act("answer");
	}
}
