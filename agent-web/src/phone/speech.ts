import type { CallView, ListenView } from "./views.ts";

/** What a person asked for and the server has not confirmed yet. */
export interface Intent {
	/** The contact that is being answered, or "". */
	answering: string;
	muting: Wish | null;
	holding: Wish | null;
	/** Of the recording. */
	pausing: Wish | null;
	/** Of the hand. */
	raising: "on" | "off" | null;
}

/** What somebody wants of one call; what comes in front meanwhile is another. */
export interface Wish {
	contact: string;
	want: "on" | "off";
}

export const NO_INTENT: Intent = { answering: "", muting: null, holding: null, pausing: null, raising: null };

/**
 * What ends with the first document after the server's answer, whatever it says: somebody may have lowered the hand before it
 * was seen to be up. A wish that the microphone obeys lasts until the document agrees, so that it never opens in between.
 */
export const UNHEARD: Partial<Intent> = { pausing: null, raising: null };

/** What is wanted of this call, or null. */
export function wanted(wish: Wish | null, call: CallView | null): "on" | "off" | null {
	return wish !== null && wish.contact === call?.contact ? wish.want : null;
}

/**
 * What the microphone does in a call: off (no packets), silent (packets of
 * silence, so that the far end sees no pause) or open. Going quiet happens at
 * the click; opening up waits for the server, but for the answer, which must
 * not cut off the first word. On hold it opens for a supervisor who speaks to
 * the agent and for a consultation: the customer hears music. A supervisor's own is open while they
 * whisper or barge in.
 */
export function micIn(
	call: CallView | null,
	intent: Intent,
	listen: ListenView | null = null,
): "off" | "silent" | "open" {
	if (!call && listen && listen.mode !== "listen") return "open";
	switch (call?.phase) {
		case "ringing":
			return intent.answering === call.contact ? "open" : "off";
		case "dialling": // nobody hears it before the customer has answered
			return "open";
		case "talking":
			return call.muted || wanted(intent.muting, call) === "on" || wanted(intent.holding, call) === "on"
				? "silent"
				: "open";
		case "hold":
			if (call.muted || wanted(intent.muting, call) === "on") return "silent";
			return call.coach || call.second?.state === "talking" ? "open" : "silent";
		default:
			return "off";
	}
}

/** What is left of an intent once the server's document says call, and whether the hand is up. */
export function settle(intent: Intent, call: CallView | null, hand: boolean): Intent {
	const answering = call?.phase === "ringing" && call.contact === intent.answering ? intent.answering : "";
	const inCall = call?.phase === "talking" || call?.phase === "hold";
	const left = (wish: Wish | null, is: boolean) => {
		const want = inCall ? wanted(wish, call) : null;
		return want !== null && is !== (want === "on") ? wish : null;
	};
	return {
		answering,
		muting: left(intent.muting, call?.muted === true),
		holding: left(intent.holding, call?.phase === "hold"),
		pausing: left(intent.pausing, call?.recording === "paused"),
		raising: intent.raising === (hand ? "on" : "off") ? null : intent.raising,
	};
}
