import type { Failure } from "../phone/socket.ts";
import type { CallView, TagGroup, Tags } from "../phone/views.ts";
import { type Draft, draftOf, NO_DRAFT } from "./lines.ts";
import type { Seat } from "./seat.svelte.ts";

/** How long a person rests until what they wrote goes to the server. */
const REST_MS = 600;

/**
 * Writing is what an agent writes about the call in front: its result, note and tags. It goes to the server while it is
 * written, so that neither a reload nor the end of the wrap-up loses it, and never to another call.
 */
export class Writing {
	disposition = $state("");
	note = $state("");
	tags = $state.raw<Tags>({});
	saved = $state<"saved" | "unsaved" | "saving">("saved");
	/** The call it is about. */
	#of = "";
	/** What was written about the call that was in front before. */
	#aside: Draft = NO_DRAFT;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(private readonly seat: Seat) {}

	/**
	 * Takes what the server has when another call is in front; within one, what is typed here is newer, unless another
	 * tab is the phone. What was written about the call that goes aside goes to the server as it is, and is here again
	 * when that one comes back.
	 */
	sync(call: CallView | null): void {
		const contact = call?.contact ?? "";
		const looksOn = this.seat.state.tab === "elsewhere";
		if (contact === this.#of) {
			if (looksOn && this.saved === "saved") this.#take(draftOf(call));
			return;
		}
		clearTimeout(this.#timer);
		const before = { contact: this.#of, disposition: this.disposition, note: this.note, tags: this.tags };
		if (this.saved !== "saved") void this.seat.phone.do("wrapup_note", before);
		this.#take(!looksOn && this.#aside.contact === contact ? this.#aside : draftOf(call));
		this.#aside = before;
		this.#of = contact;
		this.saved = "saved";
	}

	#take(draft: Draft): void {
		this.disposition = draft.disposition;
		this.note = draft.note;
		this.tags = draft.tags;
	}

	/** Chooses a tag, or takes it back. */
	tag(group: TagGroup, id: string): void {
		const had = this.tags[group.id] ?? [];
		const others = had.filter((t) => t !== id);
		const now = others.length < had.length ? others : group.many ? [...had, id] : [id];
		this.tags = { ...this.tags, [group.id]: now };
		this.edited();
	}

	/** Called at every keystroke; goes to the server after a short rest. */
	edited(): void {
		this.saved = "unsaved";
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.save(), REST_MS);
	}

	async save(): Promise<void> {
		clearTimeout(this.#timer);
		const { call } = this.seat.doc;
		this.sync(call);
		if (this.saved === "saved" || call?.phase === "ringing" || !call) return;
		this.saved = "saving";
		const { disposition, note, tags } = this;
		const failure = await this.seat.phone.do("wrapup_note", { contact: call.contact, disposition, note, tags });
		if (call.contact !== this.#of) return; // it went to the server when it went aside
		const same = disposition === this.disposition && note === this.note && tags === this.tags;
		this.saved = failure || !same ? "unsaved" : "saved";
	}

	/** Ends the wrap-up with what is written; why not, else null. */
	async done(): Promise<Failure | null> {
		clearTimeout(this.#timer);
		this.sync(this.seat.doc.call);
		const { disposition, note, tags } = this;
		const failure = await this.seat.phone.onCall("wrapup_done", { disposition, note, tags });
		if (!failure) this.saved = "saved";
		return failure;
	}
}
