import type { Doc } from "../phone/doc.ts";
import { ringing } from "../phone/doc.ts";
import type { CallView, Tags } from "../phone/views.ts";

/** What was written about a call and may not be at the server yet. */
export interface Draft {
	readonly contact: string;
	readonly disposition: string;
	readonly note: string;
	readonly tags: Tags;
}

export const NO_DRAFT: Draft = { contact: "", disposition: "", note: "", tags: {} };

/** The draft of a call as the server has it. */
export function draftOf(call: CallView | null): Draft {
	return call
		? { contact: call.contact, disposition: call.disposition, note: call.note, tags: call.tags ?? {} }
		: NO_DRAFT;
}

/** Why no other call can come beside the one in front, as a word of ours; "" when one can, or there is none. */
export function noRoom({
	call,
	other,
	me,
}: Pick<Doc, "call" | "other"> & Partial<Pick<Doc, "me">>):
	| ""
	| "why.twocalls"
	| "why.callfirst"
	| "why.helps"
	| "why.lines"
	| "why.oneline" {
	if (other) return "why.twocalls";
	if (!call) return "";
	if (call.helps) return "why.helps";
	if (call.phase !== "talking" && call.phase !== "hold") return "why.callfirst";
	if (call.kind === "voicemail" || (call.kind === "callback" && !call.answered)) return "why.callfirst";
	if (call.second && call.second.state !== "failed") return "why.lines";
	return me?.telephone ? "why.oneline" : "";
}

/** Whether there is a call to swap with: on hold, and not before a customer who is called has answered. */
export function swappable({ call, other }: Pick<Doc, "call" | "other">): boolean {
	return other?.phase === "hold" && (call?.phase === "talking" || call?.phase === "hold");
}

/** The call that rings beside another one. */
export function ringsBeside(doc: Doc): CallView | null {
	const rings = ringing(doc);
	return rings && rings === doc.other ? rings : null;
}
